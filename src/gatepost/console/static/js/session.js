// Who is signed in, and where to go when nobody is.

import { client, dropAnswers } from "./api.js";
import { dropDraft, keepDraft } from "./drafts.js";
import { one } from "./ui.js";
import { data } from "./words.js";

// What a page does when its person has gone: it shows what anybody may see.
let leave = again;
// Whose page it is, as long as they are signed in.
let person = null;
// Whether somebody was signed in when the page was opened.
const wasSignedIn = data.signedIn || client.isRemembered;

/** Return the account that is signed in, or null; where nothing speaks for somebody, the API is not asked. */
export async function currentUser() {
  return data.signedIn || client.isRemembered ? client.session() : null;
}

/** Let this page be one for a person alone: when they have gone, it leaves for the sign-in page. */
export function needUser() {
  leave = toSignIn;
}

/** Do what this page does without its person. */
export function leavePage() {
  leave();
}

/** Keep what was typed until its person is back at this page. */
export function keepInput() {
  if (person) keepDraft(person);
}

/** Go to the sign-in page, which says so where a session has ended, and come back here afterwards. */
function toSignIn() {
  keepInput();
  clear();
  const here = location.pathname + location.search + location.hash;
  location.replace(`/sign-in?next=${encodeURIComponent(here)}${wasSignedIn ? "#session-ended" : ""}`);
}

/** Sign out, and leave; where the service cannot be told, say so in the place of what the page showed. */
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

/** Be nobody from now on, and stay on this page: the account is deleted. */
export async function forget() {
  leave = () => {};
  dropDraft();
  await client.signOut().catch(() => {});
}

/**
 * Ask again who is there, before anybody sees what the page shows of a person: when their session has ended, here or in
 * another tab, and when "Back" brings the page as it was, out of the browser's memory.
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

/** Leave for an address that a page may lead to: one of ours, or of an allowed origin. The service has checked it too. */
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
