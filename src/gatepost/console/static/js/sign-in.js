import { client } from "./api.js";
import { hasDraft } from "./drafts.js";
import { clear, handle, tell } from "./forms.js";
import { user } from "./page.js";
import { goTo } from "./session.js";
import { all, one, show, toast } from "./ui.js";
import { data, say } from "./words.js";

const form = one("#sign-in");
const second = one("#second-factor");
const lead = one("[data-lead]");
const greeting = lead.textContent;
const methods = all("[data-method]", second);
// What goes on with the sign-in, once the password was right and a second factor is wanted.
let pending = null;

handle(
  form,
  async (credentials) => {
    await client.signIn(credentials);
    goTo(data.returnTo, "/account");
  },
  {
    onProblem(problem) {
      show(problem.code === "email_unverified", one("[data-unverified]"));
      return problem.code === "second_factor_required" && goOn(problem);
    },
  },
);

handle(
  second,
  async ({ code }) => {
    const { method } = one("[data-method]:not([hidden])", second).dataset;
    await client.continueSignIn({ pendingToken: pending.pendingToken, method, code });
    goTo(data.returnTo, "/account");
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

for (const button of all("[data-use]")) {
  button.addEventListener("click", () => use(button.dataset.use));
}
one("[data-restart]").addEventListener("click", () => {
  startAgain();
  one("[name=password]", form).focus();
});

/** Ask for a second factor in the place of the password; whether it is one that this page knows. */
function goOn(problem) {
  const known = methods.map(({ dataset }) => dataset.method).filter((method) => problem.methods.includes(method));
  if (known.length === 0) return false;
  pending = problem;
  one("[name=password]", form).value = "";
  show(false, one("[data-already]"), one("[data-ended]"));
  stand(true);
  use(known[0]);
  return true;
}

/** Ask for a code of one method, and offer the others that the account has. */
function use(method) {
  clear(second);
  for (const fieldset of methods) {
    const isUsed = fieldset.dataset.method === method;
    show(isUsed, fieldset);
    // So that it is neither asked for nor sent.
    fieldset.disabled = !isUsed;
  }
  for (const button of all("[data-use]")) {
    show(button.dataset.use !== method && pending.methods.includes(button.dataset.use), button);
  }
  one("input:enabled", second).focus();
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
