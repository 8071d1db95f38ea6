// Plots of daily figures, as SVG that screen readers can read, with a table of all values.

import { compact, element } from "./common.js";
import { all, one } from "../ui.js";
import { number, say } from "../words.js";
import { dayChooser, shortDay } from "./day-chooser.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 220;
const NARROWEST = 200;
const TOP = 10;
const BOTTOM = 26;
const LABEL_WIDTH = 64;
const CHARACTER = 7.5;

/**
 * Draw into a figure of the page. `days` are dates in UTC. `series` are `{label, meaning, values}` with a value per day,
 * null if nothing was measured; a meaning has the same colour in every plot. `kind` is "bars" (stacked) or "line".
 */
export function plot(figure, { days, series, kind = "bars" }) {
  const area = one("[data-area]", figure);
  const chooser = dayChooser(figure, days, series, (index) => {
    for (const [place, day] of all(".day", area).entries()) day.classList.toggle("chosen", place === index);
    legend(figure, days, series, { index, kind });
  });
  const draw = () => {
    const frame = frameOf(days, series, Math.max(area.clientWidth, NARROWEST));
    chooser.frame = frame;
    area.replaceChildren(drawing(figure, { days, series, kind, frame }), chooser.element);
    chooser.choose(null);
  };
  area.removeAttribute("aria-busy");
  draw();
  figure.watcher?.disconnect();
  let width = area.clientWidth;
  figure.watcher = new ResizeObserver(() => {
    // The width is 0 while the table replaces the plot.
    if (area.clientWidth === width || area.clientWidth === 0) return;
    width = area.clientWidth;
    draw();
  });
  figure.watcher.observe(area);
  one("[data-table]", figure).replaceChildren(...rows(days, series));
}

/** Return the marks of an axis from 0: few, round whole numbers; the last one is not below `greatest`. */
export function ticks(greatest, most = 4) {
  const rough = Math.max(1, greatest / most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough && Number.isInteger(size));
  const count = Math.max(1, Math.ceil(greatest / step));
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

/** Return the layout of a drawing: the sums of the days, the marks of the axis, and coordinates in pixels. */
function frameOf(days, series, width) {
  const sums = days.map((_, index) => sum(series.map(({ values }) => values[index] ?? 0)));
  const greatest = Math.max(...sums, 0);
  const marks = greatest === 0 ? [0] : ticks(greatest);
  const left = Math.max(...marks.map((mark) => compact(mark).length)) * CHARACTER + 8;
  const top = marks.at(-1) || 1;
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  return { sums, marks, width, left, right: width - 4, step: (width - 4 - left) / days.length, y };
}

function drawing(figure, { days, series, kind, frame }) {
  const { sums, marks, width, left, y } = frame;
  const isEmpty = sums.every((value) => value === 0);
  return svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${HEIGHT}`,
      width,
      height: HEIGHT,
      role: "img",
      "aria-labelledby": `${figure.id}-svg`,
      "aria-describedby": `${figure.id}-desc`,
    },
    [
      svg("title", { id: `${figure.id}-svg` }, [one("h2", figure).textContent]),
      svg("desc", { id: `${figure.id}-desc` }, [summary(days, series, sums, kind)]),
      ...marks.flatMap((mark) => [
        svg("line", { class: mark === 0 ? "base" : "rule", x1: left, x2: frame.right, y1: y(mark), y2: y(mark) }),
        svg("text", { class: "tick", x: left - 8, y: y(mark), "text-anchor": "end", "dominant-baseline": "middle" }, [
          compact(mark),
        ]),
      ]),
      ...dayLabels(days, frame),
      ...(kind === "line" ? line(days, series[0], frame, y) : bars(days, series, frame, y)),
      ...(isEmpty
        ? [
            svg("text", { class: "nothing", x: width / 2, y: HEIGHT / 2, "text-anchor": "middle" }, [
              say("admin_overview.client.nothing"),
            ]),
          ]
        : []),
    ],
  );
}

function bars(days, series, { left, step }, y) {
  const gap = Math.min(step * 0.25, 6);
  return days.map((_, index) => {
    let below = 0;
    const parts = series.map(({ meaning, values }) => {
      const value = values[index] ?? 0;
      const bar =
        value > 0 &&
        svg("rect", {
          class: `shape ${meaning}`,
          x: left + index * step + gap / 2,
          width: step - gap,
          y: y(below + value),
          height: Math.max(1, y(below) - y(below + value)),
        });
      below += value;
      return bar;
    });
    return column(index, { left, step }, parts.filter(Boolean));
  });
}

function line(days, { meaning, values }, frame, y) {
  const { left, step } = frame;
  const x = (index) => left + (index + 0.5) * step;
  const runs = [];
  values.forEach((value, index) => {
    if (value === null) return;
    if (index === 0 || values[index - 1] === null) runs.push([]);
    runs.at(-1).push([x(index), y(value)]);
  });
  const path = (points) => `M${points.map((point) => point.join(" ")).join("L")}`;
  return [
    ...runs.map((points) =>
      svg("path", { class: `under ${meaning}`, d: `${path(points)}L${points.at(-1)[0]} ${y(0)}L${points[0][0]} ${y(0)}Z` }),
    ),
    ...runs.map((points) => svg("path", { class: `line ${meaning}`, d: path(points) })),
    ...days.map((_, index) =>
      column(
        index,
        frame,
        values[index] === null
          ? []
          : [svg("circle", { class: `shape ${meaning}`, cx: x(index), cy: y(values[index]), r: days.length > 45 ? 2 : 3 })],
      ),
    ),
  ];
}

/** Return the group for a day: its shapes, and a stripe as high as the plot that marks it. */
function column(index, { left, step }, shapes) {
  return svg("g", { class: "day" }, [
    svg("rect", { class: "stripe", x: left + index * step, width: step, y: TOP, height: HEIGHT - TOP - BOTTOM }),
    ...shapes,
  ]);
}

function dayLabels(days, { left, right, step }) {
  const every = Math.max(1, Math.ceil(days.length / Math.max(1, Math.floor((right - left) / LABEL_WIDTH))));
  // Counted from today, which always has its date.
  return days.flatMap((day, index) =>
    (days.length - 1 - index) % every > 0
      ? []
      : [
          svg(
            "text",
            {
              class: "tick",
              x: Math.min(left + (index + 0.5) * step, right - 18),
              y: HEIGHT - 6,
              "text-anchor": "middle",
            },
            [shortDay(day)],
          ),
        ],
  );
}

function summary(days, series, sums, kind) {
  const greatest = Math.max(...sums, 0);
  const span = { from: shortDay(days[0]), to: shortDay(days.at(-1)) };
  if (greatest === 0) return say("admin_overview.client.summary.nothing", span);
  const facts = {
    ...span,
    total: number(sum(sums)),
    most: number(greatest),
    day: shortDay(days[sums.indexOf(greatest)]),
  };
  const whole = say(`admin_overview.client.summary.${kind}`, facts);
  if (series.length < 2) return whole;
  return `${whole} ${series.map(({ label, values }) => `${label}: ${number(sum(values))}`).join(", ")}.`;
}

/** Show what each colour means, with its value: the sum, the last measured value, or that of the selected day. */
function legend(figure, days, series, { index, kind }) {
  const valueOf = (values) => {
    if (index !== null) return values[index] === null ? "–" : compact(values[index]);
    if (kind === "bars") return compact(sum(values));
    const known = values.filter((value) => value !== null);
    return known.length > 0 ? compact(known.at(-1)) : "–";
  };
  one("[data-legend]", figure).replaceChildren(
    ...series.map(({ label, meaning, values }) =>
      element(
        "li",
        {},
        element("span", { class: `swatch ${meaning}` }),
        label,
        element("strong", {}, valueOf(values)),
      ),
    ),
    ...(index === null ? [] : [element("li", { class: "when" }, shortDay(days[index]))]),
  );
}

function rows(days, series) {
  const head = element(
    "thead",
    {},
    element(
      "tr",
      {},
      element("th", { scope: "col" }, say("admin_overview.client.day")),
      ...series.map(({ label }) => element("th", { scope: "col", class: "number" }, label)),
    ),
  );
  const body = element(
    "tbody",
    {},
    ...days
      .map((day, index) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, shortDay(day)),
          ...series.map(({ values }) =>
            element("td", { class: "number" }, values[index] === null ? "–" : number(values[index])),
          ),
        ),
      )
      .reverse(),
  );
  return [head, body];
}

function svg(name, attributes, content = []) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes))
    made.setAttribute(key, typeof value === "number" ? Math.round(value * 10) / 10 : value);
  made.append(...content);
  return made;
}

const sum = (values) => values.reduce((total, value) => total + (value ?? 0), 0);
