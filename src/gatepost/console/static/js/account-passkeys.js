// One's own passkeys: adding, naming and removing them.

import { closeRow } from "./account-rows.js";
import { patch, remove } from "./api.js";
import { clear, handle } from "./forms.js";
import { showDevices } from "./devices.js";
import { attempt } from "./page.js";
import { areOffered, isGoodHere, passkeys } from "./passkeys.js";
import { keepCodes } from "./recovery-codes.js";
import { ask, list, one, show, toast } from "./ui.js";
import { ago, day, moment, say, sayCount } from "./words.js";

const ME = "/api/users/me/passkeys";
const row = one("#passkeys");
const container = one("#passkey-list");
const form = one("#passkey-form");
const naming = one("#passkey-name-form");
const dialog = one("#passkey-name");
// The id of the one that gets another name.
let named = null;

/** Let passkeys be changed; `reload()` shows all factors as they are then. */
export function bindPasskeys(reload) {
  // A lost answer, or another tab: what there is now may not be what stands here.
  const onProblem = () => {
    attempt(() => changed(reload));
    return false;
  };

  const add = async ({ currentPassword, name }) => {
    const { recoveryCodes } = await passkeys.add({ password: currentPassword, name: name.trim() || undefined });
    form.reset();
    if (recoveryCodes.length > 0) await keepCodes(recoveryCodes, one("[data-name]").textContent);
    await changed(reload);
    closeRow(row);
    toast(say(recoveryCodes.length > 0 ? "account.client.passkeys.first_added" : "account.client.passkeys.added"));
    await showDevices();
  };
  handle(form, add, { onProblem });

  const rename = async ({ name }) => {
    const id = named;
    await patch(`${ME}/${id}`, { name: name.trim() });
    if (id === named) dialog.close();
    await changed(reload);
    toast(say("account.client.saved"));
    one(`[data-rename="${id}"]`, container)?.focus();
  };
  handle(naming, rename, { onProblem });
  one("[data-cancel]", dialog).addEventListener("click", () => dialog.close());

  container.addEventListener("click", async ({ target }) => {
    const { rename, remove: removed } = target.closest("button")?.dataset ?? {};
    if (rename) openNaming(rename);
    if (removed) await takeAway(removed, reload);
  });
}

/** Show the passkeys of an account; whether the row has anything to show. */
export function showPasskeys(own) {
  const isShown = own.length > 0 || (areOffered && row.closest("[data-factors]").dataset.factors !== "off");
  show(isShown, row, one("[data-leads-to=passkeys]"), one("[data-act=manage]", row));
  show(areOffered, form);
  show(!areOffered, one("[data-only-shown]", row));
  const count = own.length > 0 ? sayCount("account.client.passkeys", own.length) : say("account.client.passkeys.none");
  one("[data-passkey-count]").textContent = count;
  list(container, one("#passkey"), own.map(described));
}

/** Tell the browser which passkeys are good, so that it offers no others; nothing depends on it. */
export function tellBrowser() {
  if (areOffered) passkeys.list().catch(() => {});
}

async function changed(reload) {
  await reload();
  tellBrowser();
}

function described(passkey) {
  const { name, lastUsedAt, synced, createdAt } = passkey;
  const used = (when) => say("account.client.used", { when });
  return {
    ...passkey,
    provider: passkey.provider === name ? null : passkey.provider,
    kind: say(synced ? "account.client.passkeys.synced" : "account.client.passkeys.one_device"),
    isElsewhere: !isGoodHere(passkey),
    added: say("account.client.passkeys.since", { date: day(createdAt) }),
    used: lastUsedAt ? used(ago(lastUsedAt)) : say("account.client.passkeys.unused"),
    used_at: lastUsedAt && used(moment(lastUsedAt)),
    rename: say("account.client.passkeys.rename", { name }),
    remove: say("account.client.passkeys.remove", { name }),
  };
}

const nameOf = (id) => one(`li:has([data-rename="${id}"]) [data-text=name]`, container).textContent;

function openNaming(id) {
  named = id;
  naming.reset();
  clear(naming);
  naming.elements.name.value = nameOf(id);
  dialog.showModal();
  naming.elements.name.select();
}

async function takeAway(id, reload) {
  const dialog = one("#remove-passkey");
  if (!(await ask(dialog, { "#remove-passkey-title": say("account.client.passkeys.remove_title", { name: nameOf(id) }) }))) return;
  const isDone = await attempt(() => remove(`${ME}/${id}`));
  await attempt(() => changed(reload));
  if (isDone) toast(say("account.client.passkeys.removed"));
  one(row.checkVisibility() ? "#passkeys-title" : "#password-title").focus();
  await showDevices();
}
