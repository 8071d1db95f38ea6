// Before what a session alone is not enough for, its person proves once more who they are; the page goes on then.

import { client } from "./api.js";
import { clear, handle, tell } from "./forms.js";
import { methodOf, offer } from "./methods.js";
import { passkeys } from "./passkeys.js";
import { one } from "./ui.js";

const dialog = one("#step-up");
const form = one("#step-up-form");

if (dialog) {
  handle(
    form,
    async (given) => {
      if (isByPasskey()) await passkeys.reauthenticate();
      else await client.reauthenticate({ method: methodOf(form), ...given });
      dialog.close("proved");
    },
    {
      onProblem(problem) {
        if (problem.code !== "invalid_code" || !isByPasskey()) return false;
        tell(form, { ...problem, code: "passkey_invalid" });
        return true;
      },
    },
  );
  one("[data-cancel]", dialog).addEventListener("click", () => dialog.close("cancelled"));
}

const isByPasskey = () => methodOf(form) === "passkey";

/** Ask for a proof by one of the methods that a problem names; return whether there is one now. */
export function prove({ methods = [] }) {
  if (!dialog) return false;
  form.reset();
  clear(form);
  dialog.returnValue = "cancelled";
  dialog.showModal();
  if (!offer(form, methods)) {
    dialog.close();
    return false;
  }
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "proved"), { once: true });
  });
}
