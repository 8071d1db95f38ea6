import { post } from "./api.js";
import { handle } from "./forms.js";
import { finish } from "./link.js";
import "./page.js";
import { goTo, remember } from "./session.js";
import { one } from "./ui.js";
import { data, say } from "./words.js";

const form = one("#sign-up");

if (form) {
  handle(form, async (account) => {
    const made = await post("/api/auth/signup?transport=cookie", account, { isPublic: true });
    // Without an account in the answer, a mail tells how to go on.
    if (made.id === undefined) return finish(form, say("sign_up.client.mailed", { email: account.email }));
    remember();
    goTo(data.returnTo, "/account");
  });
}
