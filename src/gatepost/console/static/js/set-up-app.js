// A sign-in of an account that has to have a second factor, and has none: it sets up an authenticator app, or a passkey.

import { client, post } from "./api.js";
import { create } from "./client/webauthn.js";
import { clear, handle, report, setBusy } from "./forms.js";
import { areOffered } from "./passkeys.js";
import { keepCodes } from "./recovery-codes.js";
import { goTo } from "./session.js";
import { bindSecret, showSecret } from "./totp-secret.js";
import { one, show } from "./ui.js";

const dialog = one("#set-up-app");
const form = one("#set-up-app-form");
let pendingToken = null;
// Tells whoever waits for it whether it is done.
let finish = null;

if (dialog) {
  bindSecret(form);
  handle(form, ({ code }) => arrive({ method: "totp", code }));
  one("[data-set-up-passkey] button", dialog).addEventListener("click", async () => {
    if (form.ariaBusy === "true") return;
    clear(form);
    setBusy(form, true);
    try {
      const { challengeId, publicKey } = await post("/api/auth/signin/passkey", { pendingToken });
      await arrive({ method: "passkey", challengeId, credential: await create(publicKey, {}) });
    } catch (problem) {
      await report(form, problem, () => false);
    } finally {
      setBusy(form, false);
    }
  });
  one("[data-cancel]", dialog).addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    showSecret(form, null);
    finish(false);
  });
}

/** Sign in with the first answer of the factor, and show the recovery codes. */
async function arrive(answer) {
  const { username, recoveryCodes } = await client.continueSignIn({ pendingToken, ...answer });
  const isKept = keepCodes(recoveryCodes, username);
  finish(isKept.then(() => true));
  dialog.close();
}

/** Whether a problem of a sign-in says that an app is to be set up here. */
export const needsApp = ({ problem }) => problem?.enrolMethods?.includes("totp") ?? false;

/** Set one up, and sign in with it; return whether that is done, and the recovery codes are kept. */
export async function setUpApp(problem) {
  ({ pendingToken } = problem);
  show(areOffered && problem.problem.enrolMethods.includes("passkey"), one("[data-set-up-passkey]", dialog));
  const secret = await post("/api/auth/signin/totp", { pendingToken });
  form.reset();
  clear(form);
  showSecret(form, secret);
  dialog.showModal();
  one("[name=code]", form).focus();
  return new Promise((resolve) => {
    finish = resolve;
  });
}

/** The same for an account that was made just now: where it is given up, the sign-in page goes on another time. */
export async function setUpFirst(problem, next) {
  if (await setUpApp(problem)) goTo(next, "/account");
  else location.assign("/sign-in");
  return true;
}
