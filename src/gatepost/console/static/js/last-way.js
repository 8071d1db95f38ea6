// Which way in was used last on this device: only that, and nothing of who it was.

import { all, show } from "./ui.js";

const KEY = "gatepost:way";

/** Keep it; a browser may refuse to store anything. */
export function rememberWay(way) {
  try {
    localStorage.setItem(KEY, way);
  } catch {
    // Then none is marked.
  }
}

/** Mark it among the ways that a page offers, where there are several. */
export function markLastWay() {
  const marks = all("[data-last-way]").filter((mark) => mark.parentElement.checkVisibility());
  const last = marks.find((mark) => mark.dataset.lastWay === read());
  if (marks.length > 1) show(true, last);
}

function read() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
