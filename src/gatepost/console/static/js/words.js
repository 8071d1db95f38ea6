// The data and texts that the page was rendered with.
export const data = JSON.parse(document.getElementById("page-data").textContent);
export const language = document.documentElement.lang;

// For dates: the person's own locale, if it has the language of the page, such as en-GB or de-AT.
export const locale = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;

/** Return the text with this key, or undefined. */
export function find(key, values = {}) {
  return data.words[key]?.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Return the text with this key. If it is missing, return the key, which the tests detect. */
export function say(key, values = {}) {
  return find(key, values) ?? key;
}

/** Return the text for a number: `key.one` or `key.other`, with `{count}`. */
export function sayCount(key, count) {
  const form = new Intl.PluralRules(language).select(count);
  return find(`${key}.${form}`, { count: number(count) }) ?? say(`${key}.other`, { count: number(count) });
}

export function number(value) {
  return new Intl.NumberFormat(locale).format(value);
}

export function moment(iso) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

export function day(iso) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "long" }).format(new Date(iso));
}

/** Return how long ago something was, rounded down to a unit, or how far in the future, rounded to the nearest. */
export function ago(iso) {
  const seconds = (new Date(iso) - Date.now()) / 1000;
  if (Math.abs(seconds) < 60) return say("common.client.now");
  const [unit, size] = STEPS.find(([, size]) => Math.abs(seconds) >= size);
  const amount = seconds < 0 ? Math.trunc(seconds / size) : Math.round(seconds / size);
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(amount, unit);
}

/** Translate the English device name of the API. */
export function device(name) {
  if (name === "" || name === "Unknown device") return say("common.client.device.unknown");
  const [program, system] = name.split(" on ");
  return system === undefined ? name : say("common.client.device.on", { program, system });
}

/** Return a duration in one unit: `30 seconds`, `5 minutes`. */
export function duration(seconds) {
  const [unit, size] = STEPS.find(([, size]) => seconds >= 2 * size) ?? ["second", 1];
  const amount = Math.max(1, Math.ceil(seconds / size));
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(amount);
}

/** Return seconds in clock format: `1:29`, `1:00:00`. */
export function clock(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] > 0 ? parts : parts.slice(1);
  return shown.map((part, place) => (place === 0 ? part : String(part).padStart(2, "0"))).join(":");
}

const STEPS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
