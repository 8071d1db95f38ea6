// The recent activity of a person.

import { element } from "./common.js";
import { detailWords, eventWords } from "./events.js";
import { kindOf } from "../refused.js";
import { list, one } from "../ui.js";
import { ago, moment } from "../words.js";

/**
 * Show entries of the audit log. `names` are user names by id, `by(entry, names)` returns the text for who did it, and
 * `none` is the text for no entries.
 */
export function showActivity(items, names, { by, none }) {
  list(
    one("[data-activity]"),
    one("#activity-row"),
    items.map((entry) => ({
      ...entry,
      kind: kindOf(entry),
      what: eventWords(entry.event),
      more: [by(entry, names), detailWords(entry), entry.address].filter(Boolean).join(" · "),
      when: ago(entry.at),
      at_words: moment(entry.at),
    })),
  );
  if (items.length === 0)
    one("[data-activity]").replaceChildren(element("li", { class: "muted" }, none));
}
