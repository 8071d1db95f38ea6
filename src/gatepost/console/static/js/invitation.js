import { post } from "./api.js";
import { handle } from "./forms.js";
import { finish, needToken, token } from "./link.js";
import "./page.js";
import { remember } from "./session.js";
import { one } from "./ui.js";
import { say } from "./words.js";

const form = one("#invitation");

needToken(form);
handle(form, async (account) => {
  const made = await post("/api/auth/signup?transport=cookie", { ...account, invitation: token }, { isPublic: true });
  if (made.id === undefined) return finish(form, say("sign_up.client.mailed", { email: account.email }));
  remember();
  location.assign("/account");
});
