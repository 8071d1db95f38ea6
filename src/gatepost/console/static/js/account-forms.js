// User name, language, address and password.

import { tellBrowser } from "./account-passkeys.js";
import { closeRow } from "./account-rows.js";
import { client, get, patch, post } from "./api.js";
import { handle } from "./forms.js";
import { attempt } from "./page.js";
import { showDevices } from "./devices.js";
import { all, one, show, toast, write } from "./ui.js";
import { day, say } from "./words.js";

const username = one("#username-form");
const language = one("#language-form");
const email = one("#email-form");
const password = one("#password-form");

/** Show an account, and let it be changed; return what tells of the account as it is now. */
export function bindForms(account) {
  let current = account;
  const changed = (next) => {
    current = next;
    tell(current);
  };
  const done = (form, text) => {
    form.reset();
    closeRow(form.closest("[data-row]"));
    toast(text);
  };
  tell(current);

  handle(username, async (change) => {
    changed(await patch("/api/users/me", change));
    // The access token carries the name. It is stored, whatever comes of that.
    await client.refresh().then(client.session).catch(() => {});
    tellBrowser();
    done(username, say("account.client.saved"));
  });

  handle(language, async (change) => {
    changed(await patch("/api/users/me", change));
    done(language, say("account.client.saved"));
  });

  handle(email, async (change) => {
    await post("/api/auth/email/change", change);
    changed(await get("/api/users/me"));
    // The same mailbox in other letter case is changed without a link.
    const isDone = current.email.toLowerCase() === change.email.trim().toLowerCase();
    done(email, say(isDone ? "account.client.saved" : "account.client.email_sent", { email: change.email }));
  });

  handle(password, async ({ currentPassword, newPassword }) => {
    await post("/api/auth/password/change", { currentPassword, newPassword });
    done(password, say("account.client.password_changed"));
    await showDevices();
  });

  one("[data-resend]")?.addEventListener("click", () =>
    attempt(async () => {
      await post("/api/auth/email/resend", { email: current.email });
      toast(say("account.client.email_sent", { email: current.email }));
    }),
  );
  return () => current;
}

function tell(account) {
  one("[data-since]").textContent = say("account.client.since", { date: day(account.createdAt) });
  one("[data-roles]").replaceChildren(...account.roles.map(badge));
  one("[data-name]").textContent = account.username;
  write(one("[data-email]"), account.email);
  show(account.emailVerified, ...all("[data-verified]"));
  show(!account.emailVerified, ...all("[data-unverified]"));
  // As defaults, so that they stand there again when a form is given up.
  username.elements.username.defaultValue = account.username;
  one("[data-username]").defaultValue = account.username;
  for (const option of language.elements.language.options) option.defaultSelected = option.value === account.language;
  one("[data-language-name]").textContent = language.elements.language.selectedOptions[0].text;
}

function badge(role) {
  const element = document.createElement("span");
  element.className = "badge";
  element.textContent = role.replace(/^ROLE_/, "").toLowerCase();
  return element;
}
