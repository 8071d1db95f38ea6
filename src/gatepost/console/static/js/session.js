// Who is signed in, and where to go if nobody is.

import { client, dropAnswers } from "./api.js";
import { dropDraft, keepDraft } from "./drafts.js";
import { one } from "./ui.js";
import { data } from "./words.js";

// What the page does when the session has ended; by default it reloads and shows what anybody may see.
let leave = again;
// The account that the page shows, while it is signed in.
let person = null;
// Whether somebody was signed in when the page was opened.
const wasSignedIn = data.signedIn || client.isRemembered;

/** Return the account that is signed in, or null. The API is only called if there may be a session. */
export async function currentUser() {
  return data.signedIn || client.isRemembered ? client.session() : null;
}

/** Mark this page as one that needs a session: when the session ends, it goes to the sign-in page. */
export function needUser() {
  leave = toSignIn;
}

/** Do what this page does without a session. */
export function leavePage() {
  leave();
}

/** Keep what was typed until its person is back at this page. */
export function keepInput() {
  if (person) keepDraft(person);
}

/** Go to the sign-in page, which says if a session has ended, and return here afterwards. */
function toSignIn() {
  keepInput();
  clear();
  const here = location.pathname + location.search + location.hash;
  location.replace(`/sign-in?next=${encodeURIComponent(here)}${wasSignedIn ? "#session-ended" : ""}`);
}

/** Sign out and go to the sign-in page. If the service cannot be reached, clear the page and say so. */
export async function signOut() {
  leave = clear;
  dropDraft();
  try {
    await client.signOut();
  } catch (problem) {
    clear();
    one("main").append(one("#sign-out-lost").content.cloneNode(true));
    one("main h1").focus();
    throw problem;
  }
  location.assign("/sign-in#signed-out");
}

/** Sign out after the account was deleted, and stay on this page. */
export async function forget() {
  leave = () => {};
  dropDraft();
  await client.signOut().catch(() => {});
}

/**
 * Clear the page and check again who is signed in, so that nobody else sees the person's data: when the session has
 * ended, here or in another tab, and when "Back" restores the page from the browser's memory.
 */
export function askAgainWhenLeft(account) {
  person = account;
  dropDraft(account);
  client.onChange((user) => { if (!user) leave(); });
  addEventListener("pageshow", ({ persisted }) => { if (persisted) again(); });
}

function again() {
  clear();
  location.reload();
}

function clear() {
  dropAnswers();
  one("main").replaceChildren();
}

/** Go to a URL if it is ours or of an allowed origin, which the service has checked too; otherwise to `otherwise`. */
export function goTo(address, otherwise) {
  location.assign(isAllowed(address) ? address : otherwise);
}

function isAllowed(address) {
  if (!address) return false;
  try {
    const { origin, protocol } = new URL(address, location.origin);
    return /^https?:$/.test(protocol) && (origin === location.origin || data.origins.includes(origin));
  } catch {
    return false;
  }
}
