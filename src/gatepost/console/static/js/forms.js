// Forms that show each problem beside its field.

import { settled } from "./drafts.js";
import { data, duration, find, language, say } from "./words.js";
import { all, one, show } from "./ui.js";
import { isWaiting, wait } from "./wait.js";

// The fields of problems whose answer does not name one.
const FIELD_OF_CODE = {
  username_taken: "username",
  email_taken: "email",
  wrong_sign_up_password: "password",
  invalid_code: "code",
  wrong_code: "code",
  wrong_mail_code: "code",
};

/**
 * Enable a form. Its fields are disabled until its script has loaded, so that the browser never submits it itself.
 *
 * `onSubmit(event)` is called when it is submitted.
 */
export function open(form, onSubmit) {
  form.addEventListener("submit", onSubmit);
  one("[data-fields]", form).disabled = false;
  // A disabled field could not take the focus.
  if (document.activeElement === document.body) one("[autofocus]", form)?.focus();
}

/**
 * Submit a form with `send(values)`; a problem that it throws is shown.
 *
 * `onProblem(problem)` gets it first, and returns true if nothing more needs to be shown. It may throw another problem.
 */
export function handle(form, send, { onProblem = () => false } = {}) {
  open(form, async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true" || isWaiting(form)) return;
    clear(form);
    if (!isComplete(form)) return;
    setBusy(form, true);
    try {
      await send(Object.fromEntries(new FormData(form)));
      settled(form);
    } catch (problem) {
      await report(form, problem, onProblem);
    } finally {
      setBusy(form, false);
    }
  });
}

/** Show a problem like `handle`, unless `onProblem` returns true. */
export async function report(form, problem, onProblem) {
  try {
    if (!(await onProblem(problem))) tell(form, problem);
  } catch (other) {
    tell(form, other);
  }
}

/** Remove all errors from a form. */
export function clear(form) {
  for (const field of all("[data-field]", form)) mark(field, null);
  show(false, one("[data-message]", form));
}

/** Show a problem in a form, and focus it. */
export function tell(form, problem) {
  if (problem.code === undefined) throw problem;
  const rest = problemsOf(form, problem).filter(({ name, text }) => !markByName(form, name, text));
  if (rest.length > 0) {
    // Earlier toasts often say the same.
    one("#toasts").replaceChildren();
    const box = one("[data-message]", form);
    box.classList.add("danger");
    one("p", box).textContent = rest.map(({ text }) => text).join(" ");
    show(true, box);
    if (problem.status === 429 && problem.retryAfter > SHORTEST_WAIT) wait(form, problem.retryAfter);
  }
  (one("[aria-invalid=true]", form) ?? one("[data-message]", form)).focus();
}

/** Return the text for a problem. */
export function words(problem) {
  // Not the service itself is busy.
  if (problem.code === "provider_unavailable") return say("problem.provider_unavailable");
  if (problem.retryAfter !== null && [429, 503].includes(problem.status)) {
    return `${say(problem.status === 429 ? "problem.too_many" : "problem.busy")} ${waiting(problem)}`;
  }
  if (problem.status >= 500) return `${say("problem.failed")} ${say("problem.reference", { id: problem.requestId })}`;
  return find(`problem.${problem.code}`, FACTS) ?? (problem.message || say("problem.failed"));
}

// In seconds; a shorter wait is over before it has been read.
const SHORTEST_WAIT = 2;
const FACTS = { shortest: data.shortestPassword };

function waiting(problem) {
  return problem.retryAfter > SHORTEST_WAIT
    ? say("problem.wait", { time: duration(problem.retryAfter) })
    : say("problem.wait_a_little");
}

function problemsOf(form, problem) {
  if (problem.errors.length > 0) {
    return problem.errors.map((error) => ({ name: error.field, text: fieldWords(error) }));
  }
  const own = { wrong_password: one("[autocomplete=current-password]", form)?.name };
  return [{ name: { ...FIELD_OF_CODE, ...own }[problem.code], text: words(problem) }];
}

function fieldWords({ field, code, message }) {
  const general = language === "en" ? message : find(`problem.field.${field}`, FACTS);
  return find(`problem.field.${field}.${code}`, FACTS) ?? find(`problem.${code}`, FACTS) ?? general ?? message;
}

function isComplete(form) {
  for (const input of form.elements) {
    if (input.validity?.valueMissing) markByName(form, input.name, say("problem.missing"));
    else if (input.validity?.typeMismatch) markByName(form, input.name, say(`problem.field.${input.name}`));
  }
  const first = one("[aria-invalid=true]", form);
  first?.focus();
  return first === null;
}

function markByName(form, name, text) {
  const field = name && one(`[data-field="${CSS.escape(name)}"]:not([hidden] *)`, form);
  if (!field) return false;
  mark(field, text);
  return true;
}

function mark(field, text) {
  const error = one(".error", field);
  const input = one("input, select, textarea", field);
  error.textContent = text ?? "";
  show(text !== null, error);
  if (text === null) input.removeAttribute("aria-invalid");
  else input.setAttribute("aria-invalid", "true");
}

/** Prevent a form from being submitted twice. */
export function setBusy(form, isBusy) {
  form.ariaBusy = isBusy ? "true" : null;
}
