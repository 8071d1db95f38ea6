// What two people have changed at once: both values, side by side, and what was typed is kept.

import { all, fill, one } from "../ui.js";
import { say } from "../words.js";

/**
 * Say in a form what somebody else has stored meanwhile.
 *
 * Each field has a `label`, the value that was read `before`, `mine`, the one that is stored `now`, `use(value)`, which
 * puts a value into the form, and `words(value)`. Where both were changed, the person chooses; their own comes first.
 */
export function showConflict(form, fields) {
  endConflict(form);
  const box = fill(one("#conflict"), {}).firstElementChild;
  const rows = fields.map((field, index) => {
    const [before, mine, now] = [field.before, field.mine, field.now].map((value) => field.words(value));
    const isMine = mine !== before && mine !== now;
    field.use(isMine ? field.mine : field.now);
    if (before === now) return null;
    return isMine ? choice(field, { mine, now, name: `conflict-${index}` }) : note(field, { before, now });
  });
  one("[data-rows]", box).append(...rows.filter(Boolean));
  one("[data-fields]", form).prepend(box);
  box.focus();
}

/** Take the question away. */
export function endConflict(form) {
  one("[data-conflict]", form)?.remove();
}

const empty = (text) => text || say("admin.client.conflict.empty");

function choice(field, { mine, now, name }) {
  const row = fill(one("#conflict-choice"), { label: field.label, mine: empty(mine), now: empty(now), name });
  const [own, theirs] = all("input", row);
  own.addEventListener("change", () => field.use(field.mine));
  theirs.addEventListener("change", () => field.use(field.now));
  return row;
}

function note(field, { before, now }) {
  return fill(one("#conflict-note"), { label: field.label, before: empty(before), now: empty(now) });
}
