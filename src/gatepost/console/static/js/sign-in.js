import { client } from "./api.js";
import { hasDraft } from "./drafts.js";
import { handle } from "./forms.js";
import { user } from "./page.js";
import { goTo } from "./session.js";
import { one, show, toast } from "./ui.js";
import { data, say } from "./words.js";

const form = one("#sign-in");

handle(
  form,
  async (credentials) => {
    await client.signIn(credentials);
    goTo(data.returnTo, "/account");
  },
  {
    onProblem({ code }) {
      show(code === "email_unverified", one("[data-unverified]"));
      return false;
    },
  },
);

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
