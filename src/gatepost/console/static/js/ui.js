// Helpers for the document that several pages use.

const TOAST_MS = 6000;
// In characters: about the space beside a button on a phone.
const LONG_PART = 20;

export const one = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Show or hide elements. */
export function show(isShown, ...elements) {
  for (const element of elements) {
    if (element) element.hidden = !isShown;
  }
}

/** Put text into an element; lines may break after an `@`, and after dots in long parts. */
export function write(element, text) {
  const parts = text.match(/[^@]+@?|@/g) ?? [];
  const pieces = parts.flatMap((part) => (part.length > LONG_PART ? part.match(/[^.]+\.*|\.+/g) : [part]));
  element.replaceChildren(...pieces.flatMap((piece) => [piece, document.createElement("wbr")]).slice(0, -1));
}

/**
 * Copy a template and fill in values: `data-text="name"` gets text, `data-show="name"` is shown only if the value is
 * true, and `data-set="attribute:name …"` gets attributes; null removes an attribute.
 */
export function fill(template, values) {
  const copy = template.content.cloneNode(true);
  for (const element of all("[data-text]", copy)) {
    const text = String(values[element.dataset.text] ?? "");
    if (element.matches(".breakable")) write(element, text);
    else element.textContent = text;
  }
  for (const element of all("[data-show]", copy)) element.hidden = !values[element.dataset.show];
  for (const element of all("[data-set]", copy)) {
    for (const pair of element.dataset.set.split(" ")) {
      const [attribute, name] = pair.split(":");
      if (values[name] === null || values[name] === undefined) element.removeAttribute(attribute);
      else element.setAttribute(attribute, values[name]);
    }
  }
  return copy;
}

/** Replace a list's content with copies of a template, one for each item; return the elements. */
export function list(container, template, items) {
  container.replaceChildren(...items.map((values) => fill(template, values)));
  container.removeAttribute("aria-busy");
  return [...container.children];
}

/** Show a message for a short time; screen readers read it out. */
export function toast(text, kind = "success") {
  const element = document.createElement("p");
  element.className = `toast ${kind}`;
  write(element, text);
  one("#toasts").append(element);
  setTimeout(() => element.remove(), TOAST_MS);
}

/** Open a dialog with a question and return whether the answer is yes; `texts` sets the text of elements by selector. */
export function ask(dialog, texts = {}) {
  for (const [selector, text] of Object.entries(texts)) one(selector, dialog).textContent = text;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
