// What every page does: the menu, languages, revealing passwords, signing out, and finding out who is signed in.

import { untilLoaded } from "./again.js";
import { client } from "./api.js";
import { words } from "./forms.js";
import { forgetOutcome, outcomeOf } from "./providers.js";
import { showStrength } from "./strength.js";
import { askAgainWhenLeft, currentUser, leavePage, needUser, signOut } from "./session.js";
import { all, one, show, toast } from "./ui.js";

let isNeeded = false;

/** A promise of the account that is signed in, or null; undefined if that cannot be found out. One request per page. */
export const user = find();

async function find() {
  // The page's own script runs first, and may call `needAnswer`.
  await null;
  if (isNeeded) return untilLoaded(all("main > :not(noscript, [data-late])"), currentUser, () => true);
  return currentUser().catch((problem) => {
    if (problem.code === undefined) throw problem;
    toast(words(problem), "danger");
  });
}

/** Return the account that is signed in, or null. If that cannot be found out, the page only offers to try again. */
export function needAnswer() {
  isNeeded = true;
  return user;
}

/** Return the account that is signed in. If nobody is, go to the sign-in page and never return. */
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

/** Do something and show a problem as a toast; return whether it succeeded. */
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
    // Not with a query parameter, so that what follows the # in the URL stays.
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
// Not awaited: a page's forms work before it is known who is signed in.
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
