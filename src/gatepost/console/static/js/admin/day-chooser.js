// Selecting a day in a plot, and showing its values.

import { element } from "./common.js";
import { one } from "../ui.js";
import { locale, number, say } from "../words.js";

/** Return a short date: day and month. */
export function shortDay(day) {
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(day));
}

/**
 * Return an overlay for a plot with which a day can be selected: with a mouse, a tap, or the arrow keys like a slider.
 *
 * `tell(index)` is called with the index of the day, null for none. The caller must set `frame`.
 */
export function dayChooser(figure, days, series, tell) {
  let chosen = null;
  const last = days.length - 1;
  const overlay = element("div", {
    class: "days",
    role: "slider",
    tabindex: "0",
    "aria-label": say("admin_overview.client.day_of", { plot: one("h2", figure).textContent }),
    "aria-valuemin": 0,
    "aria-valuemax": last,
  });
  const chooser = { element: overlay, frame: null, choose };
  function choose(index) {
    chosen = index;
    overlay.setAttribute("aria-valuenow", index ?? last);
    overlay.setAttribute("aria-valuetext", inWords(days, series, index ?? last));
    tell(index);
  }
  const point = ({ offsetX }) => {
    const place = Math.floor((offsetX - chooser.frame.left) / chooser.frame.step);
    choose(Math.min(last, Math.max(0, place)));
  };
  overlay.addEventListener("pointermove", point);
  overlay.addEventListener("pointerdown", point);
  overlay.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && choose(null));
  overlay.addEventListener("blur", () => choose(null));
  overlay.addEventListener("keydown", (event) => {
    const here = chosen ?? last + 1;
    const ways = { ArrowLeft: here - 1, ArrowDown: here - 1, ArrowRight: here + 1, ArrowUp: here + 1, Home: 0, End: last };
    if (event.key === "Escape") return choose(null);
    if (!(event.key in ways)) return;
    event.preventDefault();
    choose(Math.min(last, Math.max(0, ways[event.key])));
  });
  return chooser;
}

function inWords(days, series, index) {
  const said = series.map(({ label, values }) => `${label}: ${measured(values[index])}`);
  return `${shortDay(days[index])}. ${said.join(", ")}.`;
}

const measured = (value) => (value === null ? say("admin_overview.client.not_measured") : number(value));
