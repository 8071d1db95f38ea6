import { get } from "../api.js";
import { one } from "../ui.js";
import { find, moment, number, say } from "../words.js";
import { addressWith, compact, enter, loader, query } from "./common.js";
import { reasonWords } from "./events.js";
import { plot } from "./plot.js";

// The reasons for refused attempts.
const KINDS = ["wrong_password", "unknown_account", "disabled", "unverified", "refreshes", "reused", "other"];
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
  // A new service has no counts yet, but will have them within seconds.
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
  const only = (key, meaning, valueOf) => [{ label: words(key), meaning, values: days.map(valueOf) }];
  plot(one("#sign-ups"), { days: dates, series: only("sign_ups", "accounts", ({ signUps }) => signUps) });
  plot(one("#sign-ins"), {
    days: dates,
    series: [
      ...only("succeeded", "succeeded", ({ signIns }) => signIns),
      ...only("refused", "refused", (day) => refusedOf(day, "sign_in.failed")),
    ],
  });
  plot(one("#sessions"), {
    days: dates,
    kind: "line",
    series: only("sessions", "sessions", ({ activeSessions }) => activeSessions),
  });
  plot(one("#factors"), { days: dates, kind: "line", series: only("factors", "factors", share) });
  const reasons = byReason(days);
  plot(one("#refused"), { days: dates, series: reasons.length > 0 ? reasons : only("refused", "refused", () => 0) });
}

/** Return the share of accounts with a second factor at the last count of a day, in per cent; null without a count. */
function share({ people, withSecondFactor }) {
  return people && withSecondFactor !== null ? Math.round((1000 * withSecondFactor) / people) / 10 : null;
}

/** Return a series for each kind of reason that occurred; each kind always has the same colour. */
function byReason(days) {
  return KINDS.map((kind) => ({
    label: labelOf(kind),
    meaning: kind.replace("_", "-"),
    values: days.map(({ refused }) => refused.reduce((sum, one) => sum + (kindOf(one) === kind ? one.count : 0), 0)),
  })).filter(({ values }) => values.some((value) => value > 0));
}

function kindOf({ event, reason }) {
  if (event === "refresh_token.reused") return "reused";
  if (event === "refresh_token.rejected") return "refreshes";
  return KINDS.includes(reason) ? reason : "other";
}

function labelOf(kind) {
  return find(`admin_overview.client.series.${kind}`) ?? reasonWords(kind);
}

function tile(key, value, note) {
  const figure = one(`[data-tile="${key}"]`);
  figure.textContent = value === undefined ? "–" : compact(value);
  if (value !== undefined) figure.title = number(value);
  one(`[data-tile-note="${key}"]`).textContent = note ?? say("admin_overview.client.not_yet");
}
