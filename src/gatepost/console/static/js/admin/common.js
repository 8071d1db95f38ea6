// What the administration pages share: access, confirmation dialogs, problems, tables, links.

import { untilLoaded } from "../again.js";
import { get } from "../api.js";
import { words } from "../forms.js";
import { may, requireUser } from "../page.js";
import { all, ask, fill, one, show, toast } from "../ui.js";
import { find, language, locale, number, say } from "../words.js";

one(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

/** Return the account that is signed in. If it has none of these permissions, say so and never return. */
export async function enter(...permissions) {
  const account = await requireUser();
  if (may(account, ...permissions)) return account;
  const open = all(".tabs a").find((link) => may(account, ...link.dataset.permission.split(" ")));
  if (location.pathname === "/admin" && open) location.replace(open.href);
  one("[data-needed]").textContent = permissions.join(" / ");
  show(false, one("[data-content]"), open ? null : one(".tabs"));
  show(true, one("[data-forbidden]"));
  one("[data-forbidden] h1").focus();
  return new Promise(() => {});
}

/** Enable the page, because its content has loaded. */
export function ready() {
  one("[data-content]").inert = false;
}

/** Collapse the filters of a list on a phone, unless they are in use. */
export function unfold(isInUse) {
  one("[data-fold]").open = isInUse || matchMedia("(min-width: 44.01rem)").matches;
}

/** Whether an account may assign and remove a role, and change people who have it; the API has the final say. */
export function reaches(account, role) {
  if (account.permissions.includes("*")) return true;
  const isHeld = role.name === "user" || account.roles.includes(`ROLE_${role.name.toUpperCase()}`);
  return isHeld && role.permissions.every((permission) => account.permissions.includes(permission));
}

/** Whether an account may change a role itself. Everybody has `user`, so changing it needs `*`. */
export function governs(account, role) {
  return account.permissions.includes("*") || (role.name !== "user" && reaches(account, role));
}

/** Ask for confirmation of an action and list its consequences; return whether the answer is yes. */
export function confirm({ title, consequences, yes, isDanger = true }) {
  const dialog = one("#confirm");
  one("ul", dialog).replaceChildren(...consequences.filter(Boolean).map((text) => element("li", {}, text)));
  one("[data-yes]", dialog).className = `button ${isDanger ? "danger" : "primary"}`;
  return ask(dialog, { h2: title, "[data-yes]": yes });
}

/**
 * Do something, show the result, and reload after a conflict. Return whether it succeeded.
 *
 * If there is an `onConflict`, it shows the conflict, and no other message is shown.
 */
export async function act(work, { done, reload = () => {}, onConflict = null } = {}) {
  hush();
  try {
    await work();
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    const isConflict = problem.code === "version_mismatch";
    if (isConflict) await (onConflict ?? reload)();
    if (!isConflict || onConflict === null) complain(problem);
    return false;
  }
  if (done) toast(done);
  return true;
}

/** Show a problem at the top of the page until the next action. */
export function complain(problem) {
  ready();
  for (const skeleton of all("[data-content] .skeleton")) skeleton.remove();
  for (const waiting of all("[data-content] [aria-busy]:not(form)")) waiting.removeAttribute("aria-busy");
  const box = one("[data-outcome]");
  box.classList.toggle("danger", problem.code !== "version_mismatch");
  box.classList.toggle("warning", problem.code === "version_mismatch");
  one("p", box).textContent = inWords(problem);
  show(true, box);
  box.focus();
}

export function hush() {
  show(false, one("[data-outcome]"));
}

export function inWords(problem) {
  return find(`admin.client.problem.${problem.code}`) ?? words(problem);
}

/** Load the content of the page; while that fails with a temporary problem, the page offers to try again. */
export function loaded(load) {
  return untilLoaded([one("[data-content]")], load);
}

/** Return a function that loads and displays something; of several calls, only the last one is displayed. */
export function loader(load, display) {
  let last = 0;
  return async () => {
    const turn = (last += 1);
    try {
      const found = await loaded(load);
      if (turn === last) await display(found);
      ready();
    } catch (problem) {
      if (problem.code === undefined) throw problem;
      if (turn === last) complain(problem);
    }
  };
}

/** The key under which a tab stores the query of the list of people. */
export const PEOPLE_QUERY = "people-query";

/** The query of the URL, which says what a list shows, so that going back and reloading work. */
export const query = () => new URLSearchParams(location.search);

/** Return the URL of this page with some of its parameters changed; empty ones are removed. */
export function addressWith(changes) {
  const parameters = query();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") parameters.delete(name);
    else parameters.set(name, value);
  }
  return parameters.size > 0 ? `?${parameters}` : location.pathname;
}

/** Make a link show another part of the list without reloading the page. */
export function follow(link, load) {
  link.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    await load();
    one("[data-summary]").scrollIntoView({ block: "nearest" });
  });
}

/** Show a table of rows, or the text `empty` if there are none. */
export function table(container, name, rows, { empty, more = () => {} }) {
  container.removeAttribute("aria-busy");
  if (rows.length === 0) {
    container.replaceChildren(fill(one("#empty-list"), { text: empty }));
    return;
  }
  const copy = fill(one(`#${name}-table`), {});
  const body = one("tbody", copy);
  for (const values of rows) {
    const row = fill(one(`#${name}-row`), values).firstElementChild;
    more(row, values);
    body.append(row);
  }
  container.replaceChildren(copy);
}

/** Return an element with attributes and content. */
export function element(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

// The initial descriptions in the database; other descriptions are shown unchanged.
const FIRST_DESCRIPTIONS = {
  user: "Everybody who signs up.",
  moderator: "Looks after content.",
  admin: "May do everything.",
};

/** Return the description of a role; initial descriptions of built-in roles are translated. */
export function roleWords({ name, description }) {
  return FIRST_DESCRIPTIONS[name] === description ? say(`admin.client.role.${name}`) : description;
}

export function badge(text, kind = "") {
  return element("span", { class: `badge ${kind}`.trim() }, text);
}

/** Return the badges for the state of an account. */
export function stateBadges(person) {
  const badges = [];
  if (person.status !== "active") badges.push(badge(say(`admin.client.state.${person.status}`), "danger"));
  if (!person.emailVerified) badges.push(badge(say("admin.client.state.unverified"), "warning"));
  if (badges.length === 0) badges.push(badge(say("admin.client.state.active"), "success"));
  return badges;
}

/** Return names as a list in a sentence: "a, b and c". */
export function listed(things) {
  return new Intl.ListFormat(locale, { type: "conjunction" }).format(things);
}

/** Return a number in compact form: 1.2M. */
export function compact(value) {
  if (value < 10000) return number(value);
  return new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

const names = new Map();

/** Return the user names of existing accounts by id; none without `users:read`. */
export async function namesOf(account, ids) {
  const unknown = [...new Set(ids)].filter((id) => id !== null && !names.has(id));
  if (unknown.length > 0 && may(account, "users:read")) {
    const wanted = unknown.map((id) => `id=${id}`).join("&");
    const { items } = await get(`/api/admin/users?size=100&${wanted}`);
    for (const { id, username } of items) names.set(id, username);
  }
  return names;
}

/** Return a link to an account with its name; its id as text if it no longer exists, or without `users:read`. */
export function personLink(account, id, known) {
  const text = known.get(id) ?? `#${id}`;
  return may(account, "users:read") && known.has(id) ? element("a", { href: `/admin/people/${id}` }, text) : text;
}
