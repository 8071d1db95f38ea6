// A code that a mail brings: to which address, and then the code.

import { countDown } from "./again.js";
import { client, post } from "./api.js";
import { clear, handle, report, setBusy, tell } from "./forms.js";
import { stand } from "./steps.js";
import { one, show, toast } from "./ui.js";
import { say } from "./words.js";

const address = one("#email-address");
const code = one("#email-code");
const again = one("[data-send-again]");
const account = one("[data-new-account]");

const SIGN_IN = {
  way: "email_code",
  ask: () => say("ways.client.which_address"),
  send: (email) => client.emailCode(email),
  enter: (given) => client.signInWithEmailCode(given),
};

/** A sign-up by a provider that tells no address. */
const signUpBy = ({ provider, title }) => ({
  way: `provider:${provider}`,
  ask: () => say("ways.client.provider_address", { provider: title }),
  send: (email) => post("/api/auth/providers/email", { email }),
  enter: ({ username, ...given }) => client.signUpWithProvider({ ...given, ...(username && { username }) }),
});

let purpose = SIGN_IN;
let sentTo = null;

/**
 * Let the first step of a page go on by a code; `arrive(way)` follows, and `look(way)` returns what looks at problems.
 *
 * Return what asks for an address in the place of a provider.
 */
export function bindEmailCode(first, arrive, look) {
  if (!code) return () => {};
  one("[data-email-code]", first)?.addEventListener("click", async () => {
    if (first.ariaBusy === "true") return;
    purpose = SIGN_IN;
    const typed = (one("[name=email]", first) ?? one("[name=username]", first)).value.trim();
    const field = address.elements.email;
    askAddress(typed.includes("@") ? typed : "");
    if (field.value && field.checkValidity()) address.requestSubmit();
  });

  handle(address, ({ email }) => send(email.trim()), { onProblem: (problem) => look(purpose.way)(problem) });

  handle(
    code,
    async (given) => {
      await purpose.enter({ ...given, email: sentTo });
      await arrive(purpose.way);
    },
    {
      async onProblem(problem) {
        if (problem.code === "invalid_code") tell(code, { ...problem, code: "wrong_mail_code" });
        return problem.code === "invalid_code" || look(purpose.way)(problem);
      },
    },
  );

  again.addEventListener("click", async () => {
    if (again.ariaDisabled === "true" || code.ariaBusy === "true") return;
    clear(code);
    setBusy(code, true);
    try {
      await send(sentTo);
      toast(say("ways.client.sent_again"));
    } catch (problem) {
      await report(code, problem, () => false);
    } finally {
      setBusy(code, false);
    }
  });
  one("[data-other-address]").addEventListener("click", () => askAddress(sentTo));
  // The link of the mail was used in another tab.
  client.onChange((user) => {
    if (user && !code.hidden && code.ariaBusy !== "true") arrive(purpose.way);
  });

  return (problem) => {
    purpose = signUpBy(problem);
    askAddress(problem.email ?? "");
    return true;
  };
}

function askAddress(email) {
  stand(address, purpose.ask());
  address.elements.email.value = email;
  address.elements.email.focus();
}

/** Have a mail sent, and ask for what is in it. */
async function send(email) {
  const { resendAfter } = await purpose.send(email);
  sentTo = email;
  stand(code, say("ways.client.sent", { email }));
  const isSignUp = purpose !== SIGN_IN;
  show(isSignUp, account);
  if (account) account.disabled = !isSignUp;
  show(!isSignUp, one("[data-link-hint]"));
  one(".primary", code).textContent = say(isSignUp ? "ways.client.create" : "ways.client.submit");
  countDown(again, say("ways.client.send_again"), resendAfter);
  code.elements.code.focus();
}
