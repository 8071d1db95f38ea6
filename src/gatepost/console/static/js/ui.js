// What several pages need of the document.

const TOAST_MS = 6000;
// In letters: about what a phone has room for beside a button.
const LONG_PART = 20;

export const one = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Show or hide elements. */
export function show(isShown, ...elements) {
  for (const element of elements) {
    if (element) element.hidden = !isShown;
  }
}

/** Put text into an element, in which a line may end after an `@`, and after the dots of what is long. */
export function write(element, text) {
  const parts = text.match(/[^@]+@?|@/g) ?? [];
  const pieces = parts.flatMap((part) => (part.length > LONG_PART ? part.match(/[^.]+\.*|\.+/g) : [part]));
  element.replaceChildren(...pieces.flatMap((piece) => [piece, document.createElement("wbr")]).slice(0, -1));
}

/**
 * Copy a template and put values into it: `data-text="name"` gets text, `data-show="name"` is there only if true,
 * and `data-set="attribute:name …"` gets attributes; null leaves an attribute away.
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

/** Replace a list's content by copies of a template, one for each item; return the elements. */
export function list(container, template, items) {
  container.replaceChildren(...items.map((values) => fill(template, values)));
  container.removeAttribute("aria-busy");
  return [...container.children];
}

/** Say something in passing; screen readers read it out. */
export function toast(text, kind = "success") {
  const element = document.createElement("p");
  element.className = `toast ${kind}`;
  write(element, text);
  one("#toasts").append(element);
  setTimeout(() => element.remove(), TOAST_MS);
}

/** Open a question and return whether the answer is yes; `texts` replaces the text of elements inside by selector. */
export function ask(dialog, texts = {}) {
  for (const [selector, text] of Object.entries(texts)) one(selector, dialog).textContent = text;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
