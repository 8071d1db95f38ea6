import { post } from "./api.js";
import { handle } from "./forms.js";
import { finish, token } from "./link.js";
import "./page.js";
import { all, one, show } from "./ui.js";
import { say } from "./words.js";

const verify = one("#verify");
const resend = one("#resend");

show(token !== null, ...all("[data-with-token]"));
show(token === null, ...all("[data-without-token]"));

handle(
  verify,
  async () => {
    await post("/api/auth/email/verify", { token }, { isPublic: true });
    finish(verify, say("verify_email.client.verified"));
  },
  {
    // A new link is one field away.
    onProblem({ code }) {
      show(code === "link_unusable", resend);
      return false;
    },
  },
);

handle(resend, async ({ email }) => {
  await post("/api/auth/email/resend", { email }, { isPublic: true });
  show(false, verify);
  finish(resend, say("verify_email.client.sent", { email }));
});
