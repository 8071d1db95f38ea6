import { client } from "./api.js";
import { hasDraft } from "./drafts.js";
import { clear, handle, tell } from "./forms.js";
import { methodOf, offer } from "./methods.js";
import { user } from "./page.js";
import { passkeys } from "./passkeys.js";
import { offerPasskeys } from "./passkey-sign-in.js";
import { goTo } from "./session.js";
import { needsApp, setUpApp } from "./set-up-app.js";
import { one, show, toast } from "./ui.js";
import { data, say } from "./words.js";

const form = one("#sign-in");
const second = one("#second-factor");
const lead = one("[data-lead]");
const greeting = lead.textContent;
// What goes on with the sign-in, once the password was right and a second factor is wanted.
let pending = null;

handle(
  form,
  async (credentials) => {
    await client.signIn(credentials);
    arrive();
  },
  { onProblem: look },
);
offerPasskeys(form, arrive, look);

handle(
  second,
  async ({ trustDevice, ...given }) => {
    const going = { pendingToken: pending.pendingToken, trustDevice: trustDevice === "on" };
    if (methodOf(second) === "passkey") await passkeys.continueSignIn(going);
    else await client.continueSignIn({ ...going, method: methodOf(second), ...given });
    arrive();
  },
  {
    onProblem(problem) {
      if (problem.code !== "pending_sign_in_invalid") return false;
      startAgain();
      tell(form, problem);
      return true;
    },
  },
);

one("[data-restart]").addEventListener("click", () => {
  startAgain();
  one("[name=password]", form).focus();
});

function arrive() {
  goTo(data.returnTo, "/account");
}

/** Look at a problem of a sign-in; return whether there is nothing more to say of it. */
function look(problem) {
  show(problem.code === "email_unverified", one("[data-unverified]"));
  return problem.code === "second_factor_required" && (needsApp(problem) ? setUp(problem) : goOn(problem));
}

/** Set up the second factor that the account has to have; whether nothing more is to be said of the problem. */
async function setUp(problem) {
  one("[name=password]", form).value = "";
  if (await setUpApp(problem)) arrive();
  else one("[name=password]", form).focus();
  return true;
}

/** Ask for a second factor in the place of the password; whether it is one that this page knows. */
function goOn(problem) {
  const before = document.activeElement;
  stand(true);
  if (!offer(second, problem.methods)) {
    stand(false);
    before.focus();
    return false;
  }
  pending = problem;
  one("[name=password]", form).value = "";
  show(false, one("[data-already]"), one("[data-ended]"));
  return true;
}

function startAgain() {
  pending = null;
  second.reset();
  clear(second);
  stand(false);
}

function stand(isSecond) {
  show(isSecond, second);
  show(!isSecond, form, one("[data-below]"));
  lead.textContent = isSecond ? say("sign_in.client.second_factor") : greeting;
}

if (["#signed-out", "#session-ended"].includes(location.hash)) {
  if (location.hash === "#signed-out") toast(say("common.client.signed_out"));
  else show(true, one("[data-ended]"));
  show(hasDraft(), one("[data-kept]"));
  history.replaceState(null, "", location.pathname + location.search);
}

const account = await user;
if (account) {
  one("[data-already-text]").textContent = say("sign_in.client.already", { username: account.username });
  show(true, one("[data-already]"));
}
