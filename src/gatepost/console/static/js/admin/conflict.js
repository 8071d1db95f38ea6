// Edit conflicts: shows both people's values side by side, and keeps what was typed.

import { all, fill, one } from "../ui.js";
import { say } from "../words.js";

/**
 * Show in a form what somebody else has saved meanwhile.
 *
 * Each field has a `label`, the values `before` (loaded), `mine` (typed) and `now` (stored), `use(value)`, which puts a
 * value into the form, and `words(value)`. If both people changed a field, the person chooses; their own value is
 * preselected.
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

/** Remove the conflict from the form. */
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
