// Signing up with a passkey in the place of a password.

import { client } from "./api.js";
import { clear } from "./forms.js";
import { areOffered, passkeys } from "./passkeys.js";
import { keepCodes } from "./recovery-codes.js";
import { one, show } from "./ui.js";

/** Let a form make accounts with a passkey as well; return what makes one, and shows the codes that come with it. */
export function signingUp(form) {
  const offer = one("[data-passkey]", form);
  const back = one("[data-password]", form);
  const field = one("[data-field=password]", form);
  let isByPasskey = false;

  function choose(isChosen) {
    isByPasskey = isChosen;
    clear(form);
    show(!isChosen, field, offer);
    show(isChosen, back, one("[data-passkey-lead]", form));
    // So that it is neither asked for nor sent.
    one("input", field).disabled = isChosen;
  }
  if (offer && areOffered) {
    show(true, offer);
    offer.addEventListener("click", () => {
      choose(true);
      form.requestSubmit();
    });
    back.addEventListener("click", () => {
      choose(false);
      one("input", field).focus();
    });
  }

  return async (account) => {
    if (!isByPasskey) return client.signUp(account);
    const made = await passkeys.signUp(account);
    if (made) await keepCodes(made.recoveryCodes, made.username);
    return made;
  };
}
