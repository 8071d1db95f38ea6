import { get } from "../api.js";
import { handle } from "../forms.js";
import { may } from "../page.js";
import { kindOf } from "../refused.js";
import { one, show } from "../ui.js";
import { data, moment, say, sayCount } from "../words.js";
import { addressWith, element, enter, follow, loader, namesOf, personLink, query, table, unfold } from "./common.js";
import { detailWords, eventWords } from "./events.js";

const SIZE = 25;
const PEOPLE = { user: "userId", actor: "actorId" };
const account = await enter("audit:read");
const form = one("#filters");

fillEvents();
unfold(query().size > 0);

const load = loader(async () => {
  const asked = query();
  const wanted = new URLSearchParams({ size: SIZE });
  for (const name of ["userId", "actorId", "event", "address", "after"])
    if (asked.get(name)) wanted.set(name, asked.get(name));
  if (asked.get("since")) wanted.set("since", startOf(asked.get("since"), 0));
  if (asked.get("until")) wanted.set("until", startOf(asked.get("until"), 1));
  one("[data-list]").setAttribute("aria-busy", "true");
  const page = await get(`/api/admin/audit?${wanted}`);
  const filtered = Object.values(PEOPLE).map((name) => Number(asked.get(name)) || null);
  const names = await namesOf(account, [
    ...filtered,
    ...page.items.flatMap(({ userId, actorId }) => [userId, actorId]),
  ]);
  return { asked, names, ...page };
}, display);

handle(form, async (values) => {
  const people = {};
  for (const [field, name] of Object.entries(PEOPLE)) people[name] = await idOf(field, values[field].trim());
  const { event, address, since, until } = values;
  history.pushState(null, "", addressWith({ ...people, event, address: address.trim(), since, until, after: null }));
  await load();
});
follow(one("[data-older]"), load);
follow(one("[data-newest]"), load);
window.addEventListener("popstate", load);
await load();

function display({ asked, names, items, next }) {
  for (const name of ["event", "address", "since", "until"]) form.elements[name].value = asked.get(name) ?? "";
  for (const [field, name] of Object.entries(PEOPLE))
    form.elements[field].value = asked.has(name) ? (names.get(Number(asked.get(name))) ?? asked.get(name)) : "";
  table(
    one("[data-list]"),
    "audit",
    items.map((entry) => ({
      ...entry,
      kind: kindOf(entry),
      when: moment(entry.at),
      what: eventWords(entry.event),
      more: detailWords(entry),
      address: entry.address || "–",
    })),
    {
      empty: say("admin_audit.client.nothing"),
      more(row, { userId, actorId }) {
        for (const [selector, id] of [
          ["[data-about]", userId],
          ["[data-by]", actorId],
        ]) {
          one(selector, row).append(id === null ? "–" : personLink(account, id, names));
          one(selector, row).parentElement.classList.toggle("nothing", id === null);
        }
      },
    },
  );
  one("[data-summary]").textContent = sayCount(
    next || asked.get("after") ? "admin_audit.client.count_more" : "admin_audit.client.count",
    items.length,
  );
  one("[data-older]").href = addressWith({ after: next });
  one("[data-newest]").href = addressWith({ after: null });
  show(next !== null, one("[data-older]"));
  show(asked.has("after"), one("[data-newest]"));
  show(next !== null || asked.has("after"), one("[data-pager]"));
}

/** Return the id of the person that a filter names: by id, or by a search for a name or address with one result. */
async function idOf(field, words) {
  const known = query().get(PEOPLE[field]);
  if (words === "" || /^#?\d{1,18}$/.test(words)) return words.replace("#", "");
  if (!may(account, "users:read")) throw problemOf(field, "number");
  const { items } = await get(`/api/admin/users?size=20&search=${encodeURIComponent(words)}`);
  const same = items.filter(({ username, email }) =>
    [username, email].some((name) => name.toLowerCase() === words.toLowerCase()),
  );
  const found = same.length > 0 ? same : items;
  if (found.some(({ id }) => String(id) === known)) return known;
  if (found.length !== 1) throw problemOf(field, found.length === 0 ? "nobody" : "several");
  return String(found[0].id);
}

function problemOf(field, key) {
  return {
    code: "field",
    status: 0,
    retryAfter: null,
    errors: [{ field, code: key, message: say(`admin_audit.client.person.${key}`) }],
  };
}

/** Return the start of a day in the local time zone, `later` days later. */
function startOf(date, later) {
  const [year, month, day] = date.split("-").map(Number);
  return new Date(year, month - 1, day + later).toISOString();
}

function fillEvents() {
  const start = "events.";
  const events = Object.keys(data.words)
    .filter((key) => key.startsWith(start))
    .map((key) => key.slice(start.length));
  const groups = new Map();
  for (const event of events) {
    const group = event.split(".")[0];
    groups.set(group, [...(groups.get(group) ?? []), element("option", { value: event }, eventWords(event))]);
  }
  one("#event").append(
    ...[...groups].map(([group, options]) =>
      element("optgroup", { label: say(`admin_audit.client.group.${group}`) }, ...options),
    ),
  );
}
