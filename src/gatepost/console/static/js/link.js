// What the pages that mail links open have in common: the token behind the #, and an end.

import { one, show, write } from "./ui.js";
import { say } from "./words.js";

const link = new URLSearchParams(location.hash.slice(1));

/** The token of the link; it stays in the address until it is used, so that the page can be loaded again. */
export const token = link.get("token");

/** Whether the link ends a sign-up, so that it needs the password of that. */
export const isOfSignUp = link.has("sign-up");

/** Say so where the token is missing. */
export function needToken(form) {
  if (!token) giveUp(form, say("common.client.link_incomplete"));
}

/** Say in the place of the form that its link is no good; that is all there is to say. */
export function giveUp(form, text) {
  const notice = one("[data-unusable]");
  const wasUsed = form.contains(document.activeElement);
  one("p", notice).textContent = text;
  show(false, form, one(".lead:not([hidden])"));
  show(true, notice);
  if (wasUsed) notice.focus();
  return true;
}

/** Put the end of the work into the place of the form. */
export function finish(form, text) {
  history.replaceState(null, "", location.pathname);
  const end = one("[data-done]");
  write(one("[data-done-text]", end), text);
  show(false, form, one(".lead:not([hidden])"), one(".below"));
  show(true, end);
  end.focus();
}
