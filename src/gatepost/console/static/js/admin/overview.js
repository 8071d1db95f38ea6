import { get } from "../api.js";
import { one } from "../ui.js";
import { moment, number, say } from "../words.js";
import { addressWith, compact, enter, loader, query } from "./common.js";
import { reasonWords } from "./events.js";
import { plot } from "./plot.js";

const REASONS = 5;
const FIRST_COUNT_MS = 5000;
const RANGES = ["7", "30", "90"];
const select = one("#days");

await enter("users:read", "audit:read");

const load = loader(() => {
  const asked = query().get("days");
  select.value = RANGES.includes(asked) ? asked : "30";
  return get(`/api/admin/overview?days=${select.value}`);
}, display);

select.addEventListener("change", () => {
  history.pushState(null, "", addressWith({ days: select.value === "30" ? null : select.value }));
  load();
});
one("[data-range]").addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("popstate", load);
await load();

function display({ totals, days }) {
  // A new service has not counted yet; it does within seconds.
  if (!totals) setTimeout(load, FIRST_COUNT_MS);
  const today = days.at(-1);
  const refusedOf = ({ refused }, event) =>
    refused.filter((one) => !event || one.event === event).reduce((sum, { count }) => sum + count, 0);
  tile(
    "people",
    totals?.people,
    totals &&
      say("admin_overview.client.people_note", {
        disabled: number(totals.disabled),
        unverified: number(totals.unverified),
      }),
  );
  tile("sessions", totals?.activeSessions, say("admin_overview.client.sessions_note"));
  tile("sign_ins", today.signIns, say("admin_overview.client.today_note"));
  tile("refused", refusedOf(today), say("admin_overview.client.today_note"));
  if (totals)
    one("[data-measured]").textContent = say("admin_overview.client.measured", { at: moment(totals.measuredAt) });
  const dates = days.map(({ day }) => day);
  const words = (key) => say(`admin_overview.client.series.${key}`);
  plot(one("#sign-ups"), {
    days: dates,
    unit: words("sign_ups"),
    series: [{ values: days.map(({ signUps }) => signUps) }],
  });
  plot(one("#sign-ins"), {
    days: dates,
    series: [
      { label: words("succeeded"), values: days.map(({ signIns }) => signIns) },
      { label: words("refused"), values: days.map((day) => refusedOf(day, "session.refused")) },
    ],
  });
  plot(one("#sessions"), {
    days: dates,
    kind: "line",
    unit: words("sessions"),
    series: [{ values: days.map(({ activeSessions }) => activeSessions) }],
  });
  plot(one("#refused"), { days: dates, unit: words("refused"), series: byReason(days) });
}

/** Return a series for each of the most frequent reasons, and one for all others. */
function byReason(days) {
  const totals = new Map();
  for (const { refused } of days)
    for (const one of refused) totals.set(keyOf(one), (totals.get(keyOf(one)) ?? 0) + one.count);
  const keys = [...totals.keys()].sort((one, other) => totals.get(other) - totals.get(one));
  const shown = keys.length > REASONS ? keys.slice(0, REASONS - 1) : keys;
  const valuesOf = (fits) =>
    days.map(({ refused }) => refused.reduce((sum, one) => sum + (fits(keyOf(one)) ? one.count : 0), 0));
  const series = shown.map((key) => ({ label: labelOf(key), values: valuesOf((other) => other === key) }));
  if (keys.length > shown.length)
    series.push({ label: say("admin_overview.client.series.other"), values: valuesOf((key) => !shown.includes(key)) });
  return series.length > 0 ? series : [{ values: days.map(() => 0) }];
}

function keyOf({ event, reason }) {
  return `${event} ${reason}`;
}

function labelOf(key) {
  const [event, reason] = key.split(" ");
  if (event === "session.refresh_reused") return say("admin_overview.client.series.reused");
  return event === "session.refresh_refused"
    ? say("admin_overview.client.series.refresh", { reason: reasonWords(reason) })
    : reasonWords(reason);
}

function tile(key, value, note) {
  const figure = one(`[data-tile="${key}"]`);
  figure.textContent = value === undefined ? "–" : compact(value);
  if (value !== undefined) figure.title = number(value);
  one(`[data-tile-note="${key}"]`).textContent = note ?? say("admin_overview.client.not_yet");
}
