// Keeps what was typed when a session ended, in this tab, until the person is back. Never keeps passwords or codes.

import { all, one, toast } from "./ui.js";
import { say } from "./words.js";

const KEY = "gatepost:draft";

one("main").addEventListener("input", ({ target }) => {
  target.dataset.typed = "";
});

/** Keep what the person of an account has typed into the forms of this page. */
export function keepDraft({ id }) {
  const forms = all("form[id]").flatMap((form) => {
    const fields = [...form.elements].filter(isKept).map(({ name, value, checked }) => ({ name, value, checked }));
    return fields.length > 0 ? [{ id: form.id, about: form.dataset.about ?? null, fields }] : [];
  });
  if (forms.length > 0) write({ user: id, path: location.pathname, forms });
}

/** Whether there is a draft in this tab. */
export const hasDraft = () => read() !== null;

/** Delete the draft, unless it belongs to this account. */
export function dropDraft(account = null) {
  if (read()?.user !== account?.id) write(null);
}

/** Restore what the person of an account typed into this page. `prepare(form)` opens a form that is not shown yet. */
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

/** Remove the marks of typed fields, because their values are saved. */
export function settled(form) {
  for (const element of form.elements) delete element.dataset.typed;
}

function isKept(element) {
  const { name, type, autocomplete, dataset } = element;
  // A revealed password has the type text.
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

// If the browser refuses to store anything, nothing is kept.
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
