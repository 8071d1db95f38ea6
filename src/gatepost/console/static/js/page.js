// What every page does: the menu, the languages, shown passwords, signing out, and who is signed in.

import { untilLoaded } from "./again.js";
import { client } from "./api.js";
import { words } from "./forms.js";
import { forgetOutcome, outcomeOf } from "./providers.js";
import { showStrength } from "./strength.js";
import { askAgainWhenLeft, currentUser, leavePage, needUser, signOut } from "./session.js";
import { all, one, show, toast } from "./ui.js";

let isNeeded = false;

/** A promise of the account that is signed in, or null; undefined where that cannot be known. Asked for once a page. */
export const user = find();

async function find() {
  // The page's own script runs first, and says whether it shows anything without an answer.
  await null;
  if (isNeeded) return untilLoaded(all("main > :not(noscript, [data-late])"), currentUser, () => true);
  return currentUser().catch((problem) => {
    if (problem.code === undefined) throw problem;
    toast(words(problem), "danger");
  });
}

/** Return the account that is signed in, or null; until that is known, the page shows nothing else. */
export function needAnswer() {
  isNeeded = true;
  return user;
}

/** Return the account that is signed in; where nobody is, leave for the sign-in page and never return. */
export async function requireUser() {
  needUser();
  const account = await needAnswer();
  if (account) {
    await tellOutcome();
    return account;
  }
  if (account === null) leavePage();
  return new Promise(() => {});
}

// What the person went to a provider for.
const WANTED = ["linked", "already_linked", "reauthenticated"];

/** Say what came of a visit to a provider. */
async function tellOutcome() {
  const outcome = outcomeOf();
  if (!outcome?.text) return;
  forgetOutcome();
  // The access token says from then on that the proof is fresh.
  if (outcome.kind === "reauthenticated") await client.refresh().catch(() => {});
  if (WANTED.includes(outcome.kind)) return toast(outcome.text);
  const notice = one("[data-outcome]");
  one("p", notice).textContent = outcome.text;
  show(true, notice);
  notice.focus();
}

/** Whether an account has one of these permissions. */
export function may(account, ...permissions) {
  return ["*", ...permissions].some((permission) => account.permissions.includes(permission));
}

/** Do something and tell a problem in passing; return whether it went well. */
export async function attempt(work) {
  try {
    await work();
    return true;
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    toast(words(problem), "danger");
    return false;
  }
}

one("[data-menu]").addEventListener("click", ({ currentTarget: button }) => {
  button.setAttribute("aria-expanded", button.getAttribute("aria-expanded") !== "true");
});

for (const link of all("[data-language]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    // Without the address, so that what stands behind its # stays.
    document.cookie = `gatepost_language=${link.dataset.language}; path=/; max-age=31536000; samesite=lax`;
    const here = new URL(location.href);
    here.searchParams.delete("lang");
    history.replaceState(null, "", here);
    location.reload();
  });
}

for (const button of all("[data-reveal]")) {
  button.addEventListener("click", () => {
    const input = document.getElementById(button.dataset.reveal);
    const isShown = input.type === "password";
    input.type = isShown ? "text" : "password";
    button.setAttribute("aria-pressed", isShown);
  });
}

for (const meter of all("[data-strength]")) showStrength(meter);

for (const button of all("[data-sign-out]")) {
  button.addEventListener("click", () => attempt(signOut));
}

show(false, one("[data-late]"));
// Not awaited here: a page's forms work before it is known who is there.
user.then(showMenu);

function showMenu(account) {
  if (account) askAgainWhenLeft(account);
  if (account !== undefined) {
    show(account !== null, ...all("[data-when=in]"));
    show(account === null, ...all("[data-when=out]"));
  }
  for (const element of all("[data-permission]")) {
    show(account && may(account, ...element.dataset.permission.split(" ")), element);
  }
}
