import { client, post } from "./api.js";
import { hasDraft } from "./drafts.js";
import { bindEmailCode } from "./email-code.js";
import { handle, words } from "./forms.js";
import { markLastWay, rememberWay } from "./last-way.js";
import { finish } from "./link.js";
import { user } from "./page.js";
import { offerPasskeys } from "./passkey-sign-in.js";
import { offerProviders } from "./provider-sign-in.js";
import { forgetOutcome, outcomeOf, providerOf } from "./providers.js";
import { secondFactor } from "./second-factor.js";
import { goTo } from "./session.js";
import { bindRestart, stand } from "./steps.js";
import { one, show, toast, write } from "./ui.js";
import { data, say } from "./words.js";

const form = one("#sign-in");
// A provider's account that is linked once its person has signed in as before.
let linking = null;

const look = secondFactor(form, arrive, restart);
const askAddress = bindEmailCode(form, arrive, look);
handle(
  form,
  async (credentials) => {
    await client.signIn(credentials);
    await arrive("password");
  },
  { onProblem: look("password") },
);
offerPasskeys(form, () => arrive("passkey"), look("passkey"));
offerProviders(form);
bindRestart(restart);
markLastWay();

function restart() {
  stand(form);
  one("[name=username]", form).value ? one("[name=password]", form).focus() : one("[name=username]", form).focus();
}

async function arrive(way) {
  rememberWay(way);
  if (linking) await link(linking);
  else goTo(data.returnTo, "/account");
}

/** Link what a provider has answered to the account that is signed in now, and say what came of it. */
async function link({ provider, title }) {
  const values = { provider: providerOf(provider, title).title };
  const step = one("[data-step]:not([hidden])");
  show(false, one("[data-outcome]"));
  try {
    await post("/api/users/me/identities", {});
    finish(step, say("ways.client.linked", values));
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    finish(step, say("ways.client.not_linked", { ...values, reason: words(problem) }));
  }
}

/** Go on with what a provider has answered; the service knows it by a cookie, whatever the address says. */
async function goOn({ provider }) {
  const way = `provider:${provider.name}`;
  try {
    await client.continueProvider();
    await arrive(way);
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    if (await look(way)(problem)) return;
    if (problem.code === "email_needed") askAddress(problem.problem);
    else if (problem.code === "account_exists") offerLink(problem.problem);
    else tellOutcome(words(problem));
  }
}

function offerLink(problem) {
  linking = problem;
  one("[name=username]", form).value = problem.email;
  tellOutcome(say("ways.client.account_exists", { provider: problem.title, email: problem.email }));
  one("[name=password]", form).focus();
}

function tellOutcome(text) {
  const notice = one("[data-outcome]");
  write(one("p", notice), text);
  show(true, notice);
}

if (["#signed-out", "#session-ended"].includes(location.hash)) {
  if (location.hash === "#signed-out") toast(say("common.client.signed_out"));
  else show(true, one("[data-ended]"));
  show(hasDraft(), one("[data-kept]"));
  history.replaceState(null, "", location.pathname + location.search);
}

const outcome = outcomeOf();
if (outcome?.text) {
  forgetOutcome();
  tellOutcome(outcome.text);
} else if (outcome) await goOn(outcome);

const account = await user;
if (account && !linking) {
  one("[data-already-text]").textContent = say("sign_in.client.already", { username: account.username });
  show(true, one("[data-already]"));
}
