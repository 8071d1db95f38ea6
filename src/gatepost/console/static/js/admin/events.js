// Texts for the entries of the audit log.

import { find, locale, number, say } from "../words.js";

/** Return the text for an event; its name if there is no text. */
export const eventWords = (event) => find(`events.${event}`) ?? event;

/** Return the text for the reason of a refusal or of an end. */
export const reasonWords = (reason) => find(`admin_events.reason.${reason}`) ?? reason;

/** Return the details of an entry in one line. */
export function detailWords({ details }) {
  const { reason, before, after, changed, amr, role_ids: _ids, ...rest } = details;
  return [
    reason && reasonWords(reason),
    changed?.length > 0 && changed.map(fieldWords).join(", "),
    ...changes(before, after),
    ...Object.entries(rest).map(([name, value]) => `${fieldWords(name)}: ${valueWords(ownWords(name, value))}`),
  ]
    .filter(Boolean)
    .join(" · ");
}

function changes(before = {}, after = {}) {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return fields
    .filter((field) => field !== "role_ids") // the names are there, too
    .filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
    .map((field) => {
      const now = after[field] === undefined ? null : valueWords(after[field]);
      const then = before[field] === undefined ? null : valueWords(before[field]);
      return `${fieldWords(field)}: ${[then, now].filter((one) => one !== null).join(" → ")}`;
    });
}

const fieldWords = (name) => find(`admin_events.field.${name}`) ?? name;

/** Return the text for one of our own values; values that people chose, such as names, stay unchanged. */
function ownWords(name, value) {
  if (Array.isArray(value)) return value.map((one) => ownWords(name, one));
  return find(`admin_events.value.${name}.${value}`) ?? value;
}

function valueWords(value) {
  if (Array.isArray(value))
    return value.length > 0 ? new Intl.ListFormat(locale).format(value.map(String)) : say("admin_events.none");
  if (typeof value === "boolean") return say(value ? "admin_events.yes" : "admin_events.no");
  if (typeof value === "number") return number(value);
  if (value === null || value === "") return say("admin_events.none");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
