// Loads the content of a part of the page. If that fails, a message in its place offers to try again.

import { words } from "./forms.js";
import { fill, one } from "./ui.js";
import { duration, say } from "./words.js";

const SECOND_MS = 1000;

// The last loading of each place.
const latest = new WeakMap();

/** Whether a problem is temporary, so that the same request may work later. */
export const isPassing = ({ status, code }) =>
  ["unreachable", "unexpected_answer"].includes(code) || status === 429 || status >= 500;

/**
 * Return what `load()` returns. While it fails with a problem for which `isHeld` is true, a message replaces `places`.
 *
 * Any other problem is thrown. Where the same place has begun to load once more meanwhile, that is what is returned: an
 * answer that comes late takes nothing back.
 */
export function untilLoaded(places, load, isHeld = isPassing) {
  const [place] = places;
  const loading = loaded(places, load, isHeld).then((found) => (latest.get(place) === loading ? found : latest.get(place)));
  latest.set(place, loading);
  return loading;
}

async function loaded(places, load, isHeld) {
  const before = places[0].previousElementSibling;
  if (before?.matches("[data-failed]")) before.remove();
  let message = null;
  try {
    for (;;) {
      try {
        return await load();
      } catch (problem) {
        if (problem.code === undefined || !isHeld(problem)) throw problem;
        message ??= stand(places);
        await again(message, problem);
      }
    }
  } finally {
    if (message === null || message.isConnected) {
      for (const place of places) delete place.dataset.away;
      if (message?.contains(document.activeElement)) one("main").focus();
      message?.remove();
    }
  }
}

function stand(places) {
  const message = fill(one("#failed"), {}).firstElementChild;
  for (const place of places) place.dataset.away = "";
  places[0].before(message);
  return message;
}

/** Show the problem; resolve when the person wants to try again, which is possible after the answer's `Retry-After`. */
function again(message, problem) {
  const button = one("button", message);
  one("[data-failed-text]", message).textContent = words(problem);
  button.ariaBusy = null;
  countDown(button, say("common.client.again"), Math.ceil(problem.retryAfter ?? 0));
  return new Promise((resolve) => {
    button.onclick = () => {
      if (button.ariaDisabled === "true" || button.ariaBusy === "true") return;
      button.ariaBusy = "true";
      resolve();
    };
  });
}

/** Count down on a button until it may be used; screen readers do not hear every second. */
export function countDown(button, label, seconds) {
  button.ariaDisabled = seconds > 0 ? "true" : null;
  button.textContent = seconds > 0 ? `${label} (${duration(seconds)})` : label;
  clearTimeout(button.countDown);
  if (seconds > 0) button.countDown = setTimeout(() => countDown(button, label, seconds - 1), SECOND_MS);
}
