// The methods by which somebody proves who they are: a form asks by one of them, and offers the others.

import { clear, tell } from "./forms.js";
import { areOffered } from "./passkeys.js";
import { all, one, show } from "./ui.js";

/**
 * Ask by the first of these methods that the page knows; return whether there is one.
 *
 * `preparing` has what a method needs to be done before: it is done once the method is chosen.
 */
export function offer(form, methods, preparing = {}) {
  const known = all("[data-method]", form).map(({ dataset }) => dataset.method).filter(isPossible);
  const usable = methods.filter((method) => known.includes(method));
  const choose = async (method) => {
    use(form, method, usable);
    try {
      await preparing[method]?.();
    } catch (problem) {
      tell(form, problem);
    }
  };
  for (const button of all("[data-use]", form)) button.onclick = () => choose(button.dataset.use);
  if (usable.length > 0) choose(usable[0]);
  return usable.length > 0;
}

const isPossible = (method) => method !== "passkey" || areOffered;

/** Return the method that a form asks by. */
export const methodOf = (form) => one("[data-method]:not([hidden])", form).dataset.method;

function use(form, method, usable) {
  clear(form);
  form.dataset.by = method;
  for (const fieldset of all("[data-method]", form)) {
    const isUsed = fieldset.dataset.method === method;
    show(isUsed, fieldset);
    // So that it is neither asked for nor sent.
    fieldset.disabled = !isUsed;
  }
  for (const button of all("[data-use]", form)) {
    show(button.dataset.use !== method && usable.includes(button.dataset.use), button);
  }
  one("[data-method]:not([hidden]) :is(input, button), .primary", form).focus();
}
