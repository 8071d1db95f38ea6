import { post } from "./api.js";
import { get } from "./client/webauthn.js";
import { handle, report, setBusy } from "./forms.js";
import { finish, giveUp, isOfSignUp, token } from "./link.js";
import { methodOf, offer } from "./methods.js";
import { user } from "./page.js";
import { all, ask, one, show } from "./ui.js";
import { say } from "./words.js";

const verify = one("#verify");
const resend = one("#resend");
// Whether the page asks for more than a click: who is not signed in to the account shows that it is theirs.
let isAsking = false;

show(token !== null, ...all("[data-with-token]"));
show(token === null, ...all("[data-without-token]"));

handle(
  verify,
  async ({ password }) => {
    // An access token that has expired is renewed by then.
    await user;
    const proof = isAsking && methodOf(verify) === "passkey" ? await passkey() : { password };
    await post("/api/auth/email/verify", { token, ...proof });
    finish(verify, say("verify_email.client.verified"));
  },
  { onProblem: look },
);

handle(resend, async ({ email }) => {
  await post("/api/auth/email/resend", { email });
  show(false, one("[data-unusable]"));
  finish(resend, say("verify_email.client.sent", { email }));
});

one("[data-refuse]", verify).addEventListener("click", async () => {
  if (verify.ariaBusy === "true" || !(await ask(one("#refusing")))) return;
  setBusy(verify, true);
  try {
    await post("/api/auth/email/refuse", { token });
    show(false, one("[data-done] a"));
    finish(verify, say("verify_email.client.refused"));
  } catch (problem) {
    await report(verify, problem, look);
  } finally {
    setBusy(verify, false);
  }
});

if (token !== null && isOfSignUp) askFor(["password"], "[data-of-sign-up]");

/** Handle a problem with the link; return whether that was all. An invalid link shows the form for a new one. */
function look({ code, methods }) {
  if (code === "already_verified") {
    finish(verify, say("verify_email.client.already"));
    return true;
  }
  if (code === "link_invalid") {
    show(true, resend);
    return giveUp(verify, say("problem.link_invalid"));
  }
  return code === "proof_required" && !isAsking && askFor(methods, "[data-asking]");
}

/** Ask by one of these methods whose the account is, in these words; return whether the page knows one. */
function askFor(methods, lead) {
  show(false, one(".lead[data-with-token]"));
  show(true, one(lead), one("[data-ways]", verify));
  isAsking = offer(verify, methods);
  return isAsking;
}

async function passkey() {
  const { challengeId, publicKey } = await post("/api/auth/passkeys/options", {});
  return { challengeId, credential: await get(publicKey, {}) };
}
