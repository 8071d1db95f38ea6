// Before what a session alone is not enough for, its person proves once more who they are; the page goes on then.

import { client, get, post } from "./api.js";
import { clear, handle, tell } from "./forms.js";
import { methodOf, offer } from "./methods.js";
import { passkeys } from "./passkeys.js";
import { bindProviders, providerOf } from "./providers.js";
import { keepInput } from "./session.js";
import { list, one } from "./ui.js";
import { say } from "./words.js";

const dialog = one("#step-up");
const form = one("#step-up-form");

if (dialog) {
  handle(
    form,
    async (given) => {
      if (methodOf(form) === "passkey") await passkeys.reauthenticate();
      else await client.reauthenticate({ method: methodOf(form), ...given });
      dialog.close("proved");
    },
    {
      onProblem(problem) {
        const code = { passkey: "passkey_invalid", email_code: "wrong_mail_code" }[methodOf(form)];
        if (problem.code !== "invalid_code" || !code) return false;
        tell(form, { ...problem, code });
        return true;
      },
    },
  );
  one("[data-cancel]", dialog).addEventListener("click", () => dialog.close("cancelled"));
}

/** Ask for a proof by one of the methods that a problem names; return whether there is one now. */
export async function prove({ methods = [] }) {
  if (!dialog) return false;
  form.reset();
  clear(form);
  if (methods.includes("provider")) await showProviders();
  dialog.returnValue = "cancelled";
  dialog.showModal();
  if (!offer(form, methods, { email_code: sendCode })) {
    dialog.close();
    return false;
  }
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "proved"), { once: true });
  });
}

const sendCode = () => post("/api/auth/reauthenticate/email-code");

/** Offer the providers at which the person has a linked account. */
async function showProviders() {
  const identities = await get("/api/users/me/identities");
  const linked = new Map(identities.map(({ provider, title }) => [provider, providerOf(provider, title)]));
  const buttons = [...linked.values()].map((provider) => ({
    ...provider,
    words: say("common.client.by_provider", { provider: provider.title }),
  }));
  list(one("[data-by-provider]", form), one("#by-provider"), buttons);
  bindProviders(form, leave);
}

/** Leave for a provider; what was typed is there again when its person is back, and is told that they may go on. */
async function leave(name) {
  const here = new URL(location.href);
  here.searchParams.set("provider", name);
  here.searchParams.set("outcome", "reauthenticated");
  const returnTo = here.pathname + here.search + here.hash;
  const { authorizationUrl } = await post(`/api/auth/providers/${name}/start`, { purpose: "reauthenticate", returnTo });
  keepInput();
  location.assign(authorizationUrl);
}
