// The rows of the account: what a row changes or shows opens in its place, one at a time.

import { clear } from "./forms.js";
import { all, one } from "./ui.js";

const rows = all("[data-row]");
const links = all("[data-leads-to]");
const buttonsOf = (row) => all("[data-open-row]", row);
// Of several, what can be done now; none until that is known.
const buttonOf = (row) => one("[data-open-row]:not([hidden])", row);
const isOpen = (row) => row.hasAttribute("data-open");
// What lists more is always open on a wide page.
const isLasting = (row) => row.classList.contains("lasting");

let chosen = null;
// Chosen before it was there.
let awaited = null;

/** Let the rows be opened; the row that the address names is. */
export function bindRows() {
  for (const row of rows) {
    for (const button of buttonsOf(row)) {
      button.disabled = false;
      button.addEventListener("click", () => (isOpen(row) ? closeRow(row) : openRow(row)));
    }
    for (const button of all("[data-close-row]", row)) button.addEventListener("click", () => giveUp(row));
    row.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing && isOpen(row)) giveUp(row);
    });
  }
  for (const link of links) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      // What the browser does would take the focus out of the row that opens.
      event.preventDefault();
      history.replaceState(null, "", link.href);
      choose(link.dataset.leadsTo);
    });
  }
  markPlace();
  const follow = () => choose(location.hash.slice(1));
  window.addEventListener("hashchange", follow);
  follow();
}

/** Open a row, and close any other; what was typed there stays. */
export function openRow(row) {
  for (const other of rows) if (other !== row) close(other);
  row.toggleAttribute("data-open", true);
  chosen = row;
  mark();
  if (isLasting(row)) buttonOf(row).setAttribute("aria-expanded", "true");
  else one(".setting-panel :is(input:not([readonly]), select, .button):not([hidden] *)", row)?.focus();
}

/** Close a row, and give the focus back to its button. */
export function closeRow(row) {
  close(row);
  buttonOf(row)?.focus();
}

function close(row) {
  row.toggleAttribute("data-open", false);
  if (isLasting(row)) buttonOf(row).setAttribute("aria-expanded", "false");
}

/** Close a row as if nothing had been typed. */
function giveUp(row) {
  for (const form of all("form", row)) {
    form.reset();
    clear(form);
  }
  closeRow(row);
}

/** Choose the row that the address named before it was there. */
export function chooseAwaited() {
  if (awaited?.checkVisibility()) choose(awaited.id);
}

function choose(id) {
  const row = rows.find((one) => one.id === id);
  if (!row) return;
  awaited = row.checkVisibility() ? null : row;
  row.scrollIntoView({ block: isLasting(row) ? "start" : "nearest" });
  openRow(row);
}

/** Mark in the list beside which row one sees: the one that was chosen, while it is there, else the highest. */
function markPlace() {
  const watcher = new IntersectionObserver(mark, { threshold: [0, 0.25, 0.5, 0.75, 1] });
  for (const row of rows) watcher.observe(row);
}

function mark() {
  const top = one(".bar").getBoundingClientRect().bottom;
  const seen = rows.filter((row) => {
    const place = row.getBoundingClientRect();
    return place.bottom > top + 24 && place.top < innerHeight;
  });
  if (!seen.includes(chosen)) chosen = null;
  const isAtEnd = scrollY > 0 && innerHeight + scrollY >= document.documentElement.scrollHeight - 1;
  const here = chosen ?? seen.at(isAtEnd ? -1 : 0);
  for (const link of links) {
    if (link.dataset.leadsTo === here?.id) link.setAttribute("aria-current", "location");
    else link.removeAttribute("aria-current");
  }
}
