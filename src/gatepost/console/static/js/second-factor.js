// What a sign-in may need after its first step: a second factor, or to set one up.

import { client } from "./api.js";
import { handle, tell } from "./forms.js";
import { methodOf, offer } from "./methods.js";
import { passkeys } from "./passkeys.js";
import { needsApp, setUpApp } from "./set-up-app.js";
import { stand } from "./steps.js";
import { one, show } from "./ui.js";
import { say } from "./words.js";

const form = one("#second-factor");
// What goes on with the sign-in.
let pending = null;
let way = null;

/**
 * Let a page go on with sign-ins that need more; `arrive(way)` follows, `restart()` shows the first step, `first`.
 *
 * Return what looks at a problem of a sign-in by a way, and returns whether there is nothing more to say of it.
 */
export function secondFactor(first, arrive, restart) {
  handle(
    form,
    async ({ trustDevice, ...given }) => {
      const going = { pendingToken: pending.pendingToken, trustDevice: trustDevice === "on" };
      if (methodOf(form) === "passkey") await passkeys.continueSignIn(going);
      else await client.continueSignIn({ ...going, method: methodOf(form), ...given });
      await arrive(way);
    },
    {
      onProblem(problem) {
        if (problem.code !== "pending_sign_in_invalid") return false;
        restart();
        tell(first, problem);
        return true;
      },
    },
  );

  return (by) => async (problem) => {
    show(problem.code === "email_unverified", one("[data-unverified]"));
    if (problem.code !== "second_factor_required") return false;
    way = by;
    if (!needsApp(problem)) return goOn(problem);
    if (await setUpApp(problem)) await arrive(way);
    else restart();
    return true;
  };
}

/** Ask for a second factor; whether it is one that this page knows. */
function goOn(problem) {
  const before = { step: one("[data-step]:not([hidden])"), focus: document.activeElement };
  stand(form, say("ways.client.second_factor"));
  if (!offer(form, problem.methods)) {
    stand(before.step);
    before.focus.focus();
    return false;
  }
  pending = problem;
  return true;
}
