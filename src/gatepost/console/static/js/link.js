// What the pages that mail links open have in common: the token behind the #, and an end.

import { one, show } from "./ui.js";

/** The token of the link; it stays in the address until it is used, so that the page can be loaded again. */
export const token = new URLSearchParams(location.hash.slice(1)).get("token");

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
  one("[data-done-text]", end).textContent = text;
  show(false, form, one(".lead:not([hidden])"), one(".below"));
  show(true, end);
  end.focus();
}
