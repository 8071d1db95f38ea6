import { client } from "./api.js";
import { handle } from "./forms.js";
import { finish, needToken, token } from "./link.js";
import "./page.js";
import { one } from "./ui.js";
import { say } from "./words.js";

const form = one("#invitation");

needToken(form);
handle(form, async (account) => {
  const made = await client.signUp({ ...account, invitation: token });
  if (!made) return finish(form, say("sign_up.client.mailed", { email: account.email }));
  location.assign("/account");
});
