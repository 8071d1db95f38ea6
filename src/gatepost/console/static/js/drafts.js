// What was typed when a session ended: kept in this tab until its person is back at the page. Never a password or a code.

import { all, one, toast } from "./ui.js";
import { say } from "./words.js";

const KEY = "gatepost:draft";

one("main").addEventListener("input", ({ target }) => {
  target.dataset.typed = "";
});

/** Keep what the forms of this page hold of an account's person, besides what was there before. */
export function keepDraft({ id }) {
  const forms = all("form[id]").flatMap((form) => {
    const fields = [...form.elements].filter(isKept).map(({ name, value, checked }) => ({ name, value, checked }));
    return fields.length > 0 ? [{ id: form.id, about: form.dataset.about ?? null, fields }] : [];
  });
  if (forms.length > 0) write({ user: id, path: location.pathname, forms });
}

/** Whether something is kept in this tab. */
export const hasDraft = () => read() !== null;

/** Forget what is kept, unless it is of this account. */
export function dropDraft(account = null) {
  if (read()?.user !== account?.id) write(null);
}

/** Put back what an account's person typed into this page. `prepare(form)` shows a form that a page opens first. */
export function restoreDraft(account, prepare = () => {}) {
  const draft = read();
  if (draft?.user !== account.id || draft.path !== location.pathname) return;
  write(null);
  const restored = draft.forms.flatMap((form) => {
    prepare(form);
    const element = document.getElementById(form.id);
    return element ? form.fields.filter((field) => put(element, field)) : [];
  });
  if (restored.length > 0) toast(say("common.client.restored"));
}

/** Take the marks of what was typed away: it is stored. */
export function settled(form) {
  for (const element of form.elements) delete element.dataset.typed;
}

function isKept(element) {
  const { name, type, autocomplete, dataset } = element;
  // One that is shown is of type text.
  return name && dataset.typed !== undefined && !/password|file|code/i.test([name, type, autocomplete].join(" "));
}

function put(form, { name, value, checked }) {
  const element = all(`[name="${CSS.escape(name)}"]`, form).find(
    ({ type, value: own }) => !["checkbox", "radio"].includes(type) || own === value,
  );
  if (!element || element.matches(":disabled, [readonly]")) return false;
  if (["checkbox", "radio"].includes(element.type)) element.checked = checked;
  else element.value = value;
  for (const kind of ["input", "change"]) element.dispatchEvent(new Event(kind, { bubbles: true }));
  return true;
}

// A browser may refuse to store anything; then nothing is kept.
function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

function write(draft) {
  try {
    if (draft === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(draft));
  } catch {
    // Nothing is kept.
  }
}
