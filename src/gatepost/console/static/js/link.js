// What the pages that mail links open have in common: the token behind the #, and an end.

import { one, show, write } from "./ui.js";

const link = new URLSearchParams(location.hash.slice(1));

/** The token of the link; it stays in the address until it is used, so that the page can be loaded again. */
export const token = link.get("token");

/** Whether the link ends a sign-up, so that it needs the password of that. */
export const isOfSignUp = link.has("sign-up");

/** Say so where the token is missing, and hide the form. */
export function needToken(form) {
  if (token) return;
  show(false, form);
  show(true, one("[data-incomplete]"));
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
