// What the pages behind links in mails share: the token after the #, and the final message.

import { one, show, write } from "./ui.js";
import { say } from "./words.js";

const link = new URLSearchParams(location.hash.slice(1));

/** The token of the link. It stays in the URL until it is used, so that the page can be reloaded. */
export const token = link.get("token");

/** Whether the link completes a sign-up, so that it needs the password of the sign-up. */
export const isOfSignUp = link.has("sign-up");

/** Show a message if the token is missing. */
export function needToken(form) {
  if (!token) giveUp(form, say("common.client.link_incomplete"));
}

/** Replace the form by the message that its link cannot be used. Returns true: nothing more needs to be shown. */
export function giveUp(form, text) {
  const notice = one("[data-unusable]");
  const wasUsed = form.contains(document.activeElement);
  one("p", notice).textContent = text;
  show(false, form, one(".lead:not([hidden])"));
  show(true, notice);
  if (wasUsed) notice.focus();
  return true;
}

/** Replace the form by the final message, and remove the token from the URL. */
export function finish(form, text) {
  history.replaceState(null, "", location.pathname);
  const end = one("[data-done]");
  write(one("[data-done-text]", end), text);
  show(false, form, one(".lead:not([hidden])"), one(".below"));
  show(true, end);
  end.focus();
}
