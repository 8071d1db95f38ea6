// The second factors: passkeys, an authenticator app, and recovery codes for when they are not at hand.

import { bindPasskeys, showPasskeys, tellBrowser } from "./account-passkeys.js";
import { bindPassword, showPassword } from "./account-password.js";
import { closeRow } from "./account-rows.js";
import { untilLoaded } from "./again.js";
import { client, get, post, remove } from "./api.js";
import { showDevices } from "./devices.js";
import { handle } from "./forms.js";
import { bindIdentities, showIdentities } from "./identities.js";
import { attempt } from "./page.js";
import { keepCodes } from "./recovery-codes.js";
import { bindSecret, showSecret } from "./totp-secret.js";
import { all, one, show, toast } from "./ui.js";
import { ago, day, number, say } from "./words.js";

const ME = "/api/users/me";
// So few recovery codes are worth a warning.
const FEW = 3;

const card = one("[data-factors]");
const app = one("[data-totp]");
const recovery = one("[data-recovery]");
const count = one("[data-passkey-count]");
const linked = one("[data-identity-names]");
const start = one("#totp-form");
const confirm = one("#totp-confirm-form");
const removal = one("#totp-remove-form");
const renewal = one("#recovery-form");
let isOn = false;

/** Let the second factors be changed, and the password; `account()` returns whose they are. */
export function bindFactors(account) {
  bindIdentities(load);
  bindPasskeys(load);
  bindPassword(account, load);
  handle(start, async ({ currentPassword }) => {
    tellSecret(await post(`${ME}/totp`, { password: currentPassword }));
    start.reset();
    confirm.elements.code.focus();
  });

  handle(confirm, async ({ code }) => {
    const { recoveryCodes } = await post(`${ME}/totp/confirm`, { code });
    // The access token says from now on that two factors were shown. The codes are shown now or never.
    await client.refresh().catch(() => {});
    // They come with the first factor, which ends all other sessions.
    const text = recoveryCodes.length > 0 ? "account.client.totp.turned_on" : "account.client.totp.added";
    await done(confirm, recoveryCodes, say(text));
    await showDevices();
  });
  // Given up or done: the secret is shown no more.
  confirm.addEventListener("reset", () => tellSecret(null));

  handle(removal, async ({ currentPassword }) => {
    await remove(`${ME}/totp`, { password: currentPassword });
    await done(removal, null, say("account.client.totp.removed"));
  });

  handle(renewal, async ({ currentPassword }) => {
    const { recoveryCodes } = await post(`${ME}/recovery-codes`, { password: currentPassword });
    await done(renewal, recoveryCodes, say("account.client.recovery.renewed"));
  });

  bindSecret(confirm);
}

/** Load and show what is set up. */
export function showFactors() {
  show(card.dataset.factors !== "off", card, link("totp"));
  tellBrowser();
  return attempt(load);
}

async function load() {
  const ask = () => Promise.all([get(`${ME}/factors`), get(`${ME}/identities`)]);
  const [factors, identities] = await untilLoaded([app, recovery, count, linked], ask);
  tell(factors);
  showIdentities(identities);
}

const link = (id) => one(`[data-leads-to=${id}]`);

function tell(factors) {
  const { totp, recoveryCodes, passkeys } = factors;
  isOn = totp !== null;
  const hasFactor = isOn || passkeys.length > 0;
  const isInUse = card.dataset.factors !== "off";
  show(hasFactor || isInUse, card);
  show(isOn || isInUse, one("#totp"), link("totp"));
  show(hasFactor, one("#recovery"), link("recovery"), one("[data-act=renew]"));
  show(isOn, one("#totp [data-act=remove]"), removal);
  show(!isOn, one("#totp [data-act=set_up]"));
  show(!isOn && confirm.hidden, start);
  showPasskeys(passkeys);
  showPassword(factors, hasFactor);
  app.replaceChildren(...(isOn ? shownApp(totp) : [say("account.client.totp.off")]));
  recovery.replaceChildren(...(recoveryCodes ? shownCodes(recoveryCodes) : []));
}

function shownApp({ confirmedAt, lastUsedAt }) {
  const since = say("account.client.totp.since", { date: day(confirmedAt) });
  const used = lastUsedAt && say("account.client.totp.used", { when: ago(lastUsedAt) });
  return [badge("success", say("account.client.totp.on")), ` ${[since, used].filter(Boolean).join(", ")}`];
}

function shownCodes({ left, createdAt }) {
  const count = say("account.client.recovery.left", { left: number(left) });
  const made = say("account.client.recovery.made", { date: day(createdAt) });
  return left > FEW ? [`${count}, ${made}`] : [badge("warning", count), ` ${made}`];
}

function badge(kind, text) {
  const element = document.createElement("span");
  element.className = `badge ${kind}`;
  element.textContent = text;
  return element;
}

/** Show a secret for an app in the place of the password, or with null the other way round. */
function tellSecret(secret) {
  showSecret(confirm, secret);
  show(secret !== null, confirm);
  show(secret === null && !isOn, start);
}

/** Close the row of a form whose work is done; codes that came of it are shown first. */
async function done(form, codes, text) {
  form.reset();
  const row = form.closest("[data-row]");
  if (codes?.length > 0) await keepCodes(codes, one("[data-name]").textContent);
  await showFactors();
  if (row.checkVisibility()) closeRow(row);
  toast(text);
}
