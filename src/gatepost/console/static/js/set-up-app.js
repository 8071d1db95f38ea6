// A sign-in of an account that has to have a second factor, and has none: it sets up an authenticator app.

import { client, post } from "./api.js";
import { clear, handle } from "./forms.js";
import { keepCodes } from "./recovery-codes.js";
import { goTo } from "./session.js";
import { bindSecret, showSecret } from "./totp-secret.js";
import { one } from "./ui.js";

const dialog = one("#set-up-app");
const form = one("#set-up-app-form");
let pendingToken = null;
// Tells whoever waits for it whether it is done.
let finish = null;

if (dialog) {
  bindSecret(form);
  handle(form, async ({ code }) => {
    const { username, recoveryCodes } = await client.continueSignIn({ pendingToken, method: "totp", code });
    const isKept = keepCodes(recoveryCodes, username);
    finish(isKept.then(() => true));
    dialog.close();
  });
  one("[data-cancel]", dialog).addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    showSecret(form, null);
    finish(false);
  });
}

/** Whether a problem of a sign-in says that an app is to be set up here. */
export const needsApp = ({ problem }) => problem?.enrolMethods?.includes("totp") ?? false;

/** Set one up, and sign in with its first code; return whether that is done, and the recovery codes are kept. */
export async function setUpApp(problem) {
  ({ pendingToken } = problem);
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
