// The wait after too many attempts, with a countdown in the form's message.

import { one, show } from "./ui.js";
import { clock, duration, say } from "./words.js";

const TICK_MS = 1000;
const waits = new WeakMap();

/** Whether a form must not be submitted yet; if so, its message shows the wait. */
export function isWaiting(form) {
  const wait = waits.get(form);
  if (!wait) return false;
  tell(form, wait);
  one("[data-message]", form).focus();
  return true;
}

/** Block a form for some seconds, or until somebody else's name is entered. */
export function wait(form, seconds) {
  const wait = { until: Date.now() + seconds * 1000 };
  const button = one(".button:not([type=button])", form);
  const end = () => {
    clearInterval(wait.timer);
    waits.delete(form);
    button.removeAttribute("aria-disabled");
    form.removeEventListener("input", change);
  };
  const change = ({ target }) => {
    if (target.name === "code" || target.autocomplete.endsWith("password")) return;
    end();
    show(false, one("[data-message]", form));
  };
  wait.timer = setInterval(() => {
    if (left(wait) > 0) return count(form, wait);
    end();
    const box = one("[data-message]", form);
    box.classList.remove("danger");
    one("p", box).textContent = say("problem.wait_over");
  }, TICK_MS);
  waits.set(form, wait);
  button.setAttribute("aria-disabled", "true");
  form.addEventListener("input", change);
  tell(form, wait);
}

const left = ({ until }) => Math.ceil((until - Date.now()) / 1000);
const words = (time) => `${say("problem.too_many")} ${say("problem.wait", { time })}`;

/** Show the wait; screen readers read it out once, and not every second. */
function tell(form, wait) {
  const read = document.createElement("span");
  read.className = "visually-hidden";
  read.textContent = words(duration(left(wait)));
  const seen = document.createElement("span");
  seen.ariaHidden = "true";
  seen.className = "countdown";
  one("[data-message] p", form).replaceChildren(read, seen);
  count(form, wait);
}

function count(form, wait) {
  one("[data-message] .countdown", form).textContent = words(clock(left(wait)));
}
