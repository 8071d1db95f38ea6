// Profile, address and password.

import { client, get, patch, post } from "./api.js";
import { handle } from "./forms.js";
import { attempt } from "./page.js";
import { showDevices } from "./devices.js";
import { all, one, show, toast } from "./ui.js";
import { day, say } from "./words.js";

const profile = one("#profile-form");
const email = one("#email-form");
const password = one("#password-form");

/** Show an account, and let it be changed. */
export function bindForms(account) {
  let current = account;
  const changed = (next) => {
    current = next;
    tell(current);
  };
  tell(current);

  handle(profile, async ({ username, language }) => {
    const isRenamed = username !== current.username;
    changed(await patch("/api/users/me", { username, language }));
    // The access token carries the name.
    if (isRenamed) await client.refresh();
    toast(say("account.client.saved"));
  });

  handle(email, async (change) => {
    await post("/api/auth/email/change", change);
    email.reset();
    changed(await get("/api/users/me"));
    // The same mailbox in other letter case is changed without a link.
    const isDone = current.email.toLowerCase() === change.email.trim().toLowerCase();
    toast(say(isDone ? "account.client.saved" : "account.client.email_sent", { email: change.email }));
  });

  handle(password, async ({ currentPassword, newPassword }) => {
    await post("/api/auth/password/change", { currentPassword, newPassword });
    password.reset();
    one("[data-username]").value = current.username;
    toast(say("account.client.password_changed"));
    await showDevices();
  });

  one("[data-resend]")?.addEventListener("click", () =>
    attempt(async () => {
      await post("/api/auth/email/resend", { email: current.email });
      toast(say("account.client.email_sent", { email: current.email }));
    }),
  );
}

function tell(account) {
  one("[data-since]").textContent = say("account.client.since", {
    username: account.username,
    date: day(account.createdAt),
  });
  one("[data-roles]").replaceChildren(...account.roles.map(badge));
  one("[data-email]").textContent = account.email;
  one("[data-username]").value = account.username;
  show(account.emailVerified, ...all("[data-verified]"));
  show(!account.emailVerified, ...all("[data-unverified]"));
  profile.elements.username.value = account.username;
  profile.elements.language.value = account.language;
}

function badge(role) {
  const element = document.createElement("span");
  element.className = "badge";
  element.textContent = role.replace(/^ROLE_/, "").toLowerCase();
  return element;
}
