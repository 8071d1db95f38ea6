// Signing in with a passkey: by a button, and by what the browser offers in the field of the user name.

import { clear, report, setBusy } from "./forms.js";
import { areOffered, passkeys } from "./passkeys.js";
import { one, show } from "./ui.js";

// What is told of a passkey that the person has chosen in the field; anything else kept the browser from offering them.
const TOLD = ["passkey_invalid", "account_disabled", "email_unverified"];

let isOffering = false;

/** Let a form sign in with a passkey as well; `arrive()` follows, and `onProblem` is as for `handle`. */
export function offerPasskeys(form, arrive, onProblem) {
  if (!areOffered) return;
  const button = one("[data-passkey]", form);
  show(true, button);
  button.addEventListener("click", async () => {
    if (form.ariaBusy === "true") return;
    clear(form);
    setBusy(form, true);
    try {
      await passkeys.signIn();
      arrive();
    } catch (problem) {
      await report(form, problem, onProblem);
      offer();
    } finally {
      setBusy(form, false);
    }
  });

  async function offer() {
    if (isOffering) return;
    isOffering = true;
    try {
      if (await passkeys.autofill()) arrive();
    } catch (problem) {
      if (problem.code === undefined) throw problem;
      if (!TOLD.includes(problem.code)) return;
      clear(form);
      await report(form, problem, onProblem);
      setTimeout(offer);
    } finally {
      isOffering = false;
    }
  }
  offer();
  // Another use of a passkey has ended it.
  form.addEventListener("focusin", offer);
}
