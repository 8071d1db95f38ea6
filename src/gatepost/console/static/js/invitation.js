import { untilLoaded } from "./again.js";
import { client, post } from "./api.js";
import { handle, words } from "./forms.js";
import { finish, giveUp, needToken, token } from "./link.js";
import "./page.js";
import { signingUp } from "./passkey-sign-up.js";
import { bindProviders } from "./providers.js";
import { needsApp, setUpFirst } from "./set-up-app.js";
import { one } from "./ui.js";
import { say } from "./words.js";

const form = one("#invitation");

const signUp = signingUp(form);

needToken(form);
handle(
  form,
  async (account) => {
    const made = await signUp({ ...account, invitation: token });
    if (!made) return finish(form, say("sign_up.client.mailed", { email: account.email }));
    location.assign("/account");
  },
  { onProblem: (problem) => needsApp(problem) && setUpFirst(problem) },
);
bindProviders(form, (name) => client.signInWith(name, { returnTo: "/account", invitation: token }));

if (token) {
  try {
    const { email } = await untilLoaded([form], () => post("/api/auth/invitation", { token }));
    form.elements.email.value = email;
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    giveUp(form, problem.code === "invitation_invalid" ? say("invitation.client.unusable") : words(problem));
  }
}
