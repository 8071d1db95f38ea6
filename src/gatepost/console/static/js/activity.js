// The activity of the account, a page at a time.

import { untilLoaded } from "./again.js";
import { get } from "./api.js";
import { attempt } from "./page.js";
import { kindOf } from "./refused.js";
import { fill, one, show } from "./ui.js";
import { ago, find, moment, say } from "./words.js";

const SIZE = 8;

const container = one("#activity-list");
const latest = one("[data-newest]");
const more = one("[data-more]");
let next = null;

/** Load and show the newest entries. */
export async function showActivity() {
  if (await attempt(() => untilLoaded([container, latest], load))) more.addEventListener("click", () => attempt(load));
}

async function load() {
  const after = next === null ? "" : `&after=${encodeURIComponent(next)}`;
  const begin = next;
  const page = await get(`/api/users/me/activity?size=${SIZE}${after}`);
  // Another click was faster.
  if (begin !== next) return;
  const rows = page.items.map((entry) => fill(one("#event"), described(entry)));
  if (next === null) {
    container.replaceChildren();
    latest.textContent = newest(page.items[0]);
  }
  container.append(...rows);
  container.removeAttribute("aria-busy");
  next = page.next;
  show(next !== null, more);
}

const wordsOf = ({ event }) => find(`events.${event}`) ?? event;

function newest(entry) {
  return entry ? say("account.client.newest", { event: wordsOf(entry), when: ago(entry.at) }) : "–";
}

function described(entry) {
  return { ...entry, kind: kindOf(entry), words: wordsOf(entry), moment: moment(entry.at) };
}
