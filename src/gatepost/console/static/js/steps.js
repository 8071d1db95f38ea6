// The steps of a page that signs people in: each is a form in the card, and one of them is shown.

import { clear } from "./forms.js";
import { all, one, show, write } from "./ui.js";

const steps = all("[data-step]");
const [first] = steps;
const lead = one("[data-lead]");
const greeting = lead?.textContent ?? "";

/** Show a step in the place of the others, below a text. What was given in those is forgotten, but for names. */
export function stand(step, text = greeting) {
  for (const other of steps) {
    show(other === step, other);
    if (other === step) continue;
    clear(other);
    if (other !== first) other.reset();
    else for (const password of all("[name=password]", other)) password.value = "";
  }
  show(step === first, one("[data-below]"));
  if (step !== first) show(false, ...all(".card > .notice"));
  write(lead, text);
}

/** Let the buttons of every other step lead back to the first. */
export function bindRestart(restart) {
  for (const button of all("[data-restart]")) button.addEventListener("click", () => restart());
}
