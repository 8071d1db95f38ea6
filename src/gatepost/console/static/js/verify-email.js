import { post } from "./api.js";
import { handle } from "./forms.js";
import { finish, giveUp, isOfSignUp, token } from "./link.js";
import "./page.js";
import { all, one, show } from "./ui.js";
import { say } from "./words.js";

const verify = one("#verify");
const resend = one("#resend");

show(token !== null, ...all("[data-with-token]"));
show(token === null, ...all("[data-without-token]"));

handle(
  verify,
  async ({ password }) => {
    await post("/api/auth/email/verify", { token, password });
    finish(verify, say("verify_email.client.verified"));
  },
  {
    // An invalid link shows the form for a new one.
    onProblem({ code }) {
      if (code === "already_verified") {
        finish(verify, say("verify_email.client.already"));
        return true;
      }
      if (code === "link_invalid") {
        show(true, resend);
        return giveUp(verify, say("problem.link_invalid"));
      }
      if (code === "password_required") askPassword(true);
      return false;
    },
  },
);

handle(resend, async ({ email }) => {
  await post("/api/auth/email/resend", { email });
  show(false, one("[data-unusable]"));
  finish(resend, say("verify_email.client.sent", { email }));
});

askPassword(token !== null && isOfSignUp);

/** Show or hide the field for the password of the sign-up. */
function askPassword(isAsked) {
  const field = one("[data-field=password]", verify);
  one("input", field).disabled = !isAsked;
  show(isAsked, field, one("[data-of-sign-up]"));
  if (!isAsked) return;
  show(false, one(".lead[data-with-token]"));
  one("input", field).focus();
}
