// How strong a new password is, by the service's own rules: its length, and no similarity to the names of the account.
// Only the service knows whether it is a common password.

import { all, one, show } from "./ui.js";
import { data, say, sayCount } from "./words.js";

const LEVELS = ["short", "weak", "fair", "good", "strong"];
// The lengths from which a password is fair, good, strong.
const LENGTHS = { fair: 0, good: 12, strong: 16 };
const FEWEST_KINDS = 5;
const SHORTEST_NAME = 4;
// The letters that a password must have besides names.
const FEWEST_OTHERS = 4;
const NO_LETTER = /[^\p{L}]+/gu;

/** Return the strength of a password, given the names of its account: "short", "weak", "fair", "good" or "strong". */
export function levelOf(password, names = []) {
  const characters = [...password.normalize("NFC")];
  if (characters.length < data.shortestPassword) return "short";
  if (new Set(characters).size < FEWEST_KINDS || isSequence(characters) || isLike(password, names)) return "weak";
  return Object.keys(LENGTHS).findLast((level) => characters.length >= LENGTHS[level]);
}

/** Show the strength of a password beside its field while it is typed. */
export function showStrength(meter) {
  const input = document.getElementById(meter.dataset.strength);
  const bar = one("[role=meter]", meter);
  const text = one("p", meter);
  const tell = () => {
    const level = levelOf(input.value, namesIn(input.form));
    const place = LEVELS.indexOf(level);
    const missing = data.shortestPassword - [...input.value.normalize("NFC")].length;
    const words = level === "short" ? sayCount("common.client.strength.short", missing) : say(`common.client.strength.${level}`);
    show(input.value !== "", meter);
    meter.dataset.level = level;
    bar.setAttribute("aria-valuenow", place);
    bar.setAttribute("aria-valuetext", words);
    // Screen readers read it out only when it changes.
    if (text.textContent !== words) text.textContent = words;
  };
  input.form.addEventListener("input", tell);
  input.form.addEventListener("reset", () => setTimeout(tell));
}

function namesIn(form) {
  const typed = all("[name=username], [name=email]", form).map(({ value }) => value);
  return [...typed, one("[data-email]")?.textContent ?? "", "gatepost"];
}

function isSequence(characters) {
  const steps = characters.slice(1).map((character, index) => character.codePointAt(0) - characters[index].codePointAt(0));
  return steps.every((step) => step === steps[0] && Math.abs(step) <= 1);
}

/** Whether a password contains a name, and few letters besides names. */
function isLike(password, names) {
  const folded = password.toLowerCase();
  const parts = names
    .flatMap((name) => [name, name.split("@")[0], ...name.split(NO_LETTER)])
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part.length >= SHORTEST_NAME)
    .sort((one, other) => other.length - one.length);
  const rest = parts.reduce((left, part) => left.replaceAll(part, " "), folded);
  return rest !== folded && rest.replace(NO_LETTER, "").length < FEWEST_OTHERS;
}
