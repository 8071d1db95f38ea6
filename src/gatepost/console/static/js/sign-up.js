import { client } from "./api.js";
import { bindEmailCode } from "./email-code.js";
import { handle } from "./forms.js";
import { rememberWay } from "./last-way.js";
import { finish } from "./link.js";
import "./page.js";
import { signingUp } from "./passkey-sign-up.js";
import { offerProviders } from "./provider-sign-in.js";
import { secondFactor } from "./second-factor.js";
import { goTo } from "./session.js";
import { needsApp, setUpFirst } from "./set-up-app.js";
import { bindRestart, stand } from "./steps.js";
import { one } from "./ui.js";
import { data, say } from "./words.js";

const form = one("#sign-up");

if (form) {
  const signUp = signingUp(form);
  handle(
    form,
    async (account) => {
      const made = await signUp(account);
      // Without one, a mail tells how to go on.
      if (!made) return finish(form, say("sign_up.client.mailed", { email: account.email }));
      goTo(data.returnTo, "/account");
    },
    { onProblem: (problem) => needsApp(problem) && setUpFirst(problem, data.returnTo) },
  );
  // Who has an account already is signed in to it.
  const arrive = (way) => {
    rememberWay(way);
    goTo(data.returnTo, "/account");
  };
  const restart = () => {
    stand(form);
    one("[name=username]", form).focus();
  };
  bindEmailCode(form, arrive, secondFactor(form, arrive, restart));
  offerProviders(form);
  bindRestart(restart);
}
