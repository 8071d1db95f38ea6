// Who is signed in, and where to go when nobody is.

import { get, hooks, post } from "./api.js";
import { data } from "./words.js";

// The cookies are out of a script's sight; this tells whether asking is worth while. It proves nothing.
const HINT = "gatepost.signed-in";

export function remember() {
  localStorage.setItem(HINT, "yes");
}

export function forget() {
  localStorage.removeItem(HINT);
}

/** Return the account that is signed in, or null. */
export async function currentUser() {
  if (!data.signedIn && !localStorage.getItem(HINT)) return null;
  try {
    const user = await get("/api/users/me");
    remember();
    return user;
  } catch (problem) {
    if (problem.status !== 401 && problem.status !== 404) throw problem;
    forget();
    return null;
  }
}

/** Go to the sign-in page, and come back here afterwards. */
export function toSignIn() {
  forget();
  const here = location.pathname + location.search + location.hash;
  location.replace(`/sign-in?next=${encodeURIComponent(here)}`);
}

export async function signOut() {
  hooks.signedOut = () => {};
  await post("/api/auth/signout", undefined, { isPublic: true });
  forget();
  clear();
  location.assign("/sign-in#signed-out");
}

/**
 * Ask again who is there, before anybody sees what the page shows of a person: when they have signed out in another tab,
 * and when "Back" brings the page as it was, out of the browser's memory.
 */
export function askAgainWhenLeft() {
  const again = () => {
    clear();
    location.reload();
  };
  addEventListener("storage", ({ key, newValue }) => { if (key === HINT && newValue === null) again(); });
  addEventListener("pageshow", ({ persisted }) => { if (persisted) again(); });
}

function clear() {
  document.querySelector("main").replaceChildren();
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
