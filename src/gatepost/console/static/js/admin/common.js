// What every page of administration does: who may see it, questions before acts, problems in words, addresses.

import { untilLoaded } from "../again.js";
import { get } from "../api.js";
import { words } from "../forms.js";
import { may, requireUser } from "../page.js";
import { all, ask, fill, one, show, toast } from "../ui.js";
import { find, language, locale, number, say } from "../words.js";

one(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

/** Return the account that is signed in; where it has none of these permissions, say so and never return. */
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

/** Let the page be used: what it shows is there. */
export function ready() {
  one("[data-content]").inert = false;
}

/** Fold the filters of a list on a phone, where the list comes first; not those in use, which one must see. */
export function unfold(isInUse) {
  one("[data-fold]").open = isInUse || matchMedia("(min-width: 44.01rem)").matches;
}

/** Whether an account may give and take a role, and touch who has it; the API decides in the end. */
export function reaches(account, role) {
  if (account.permissions.includes("*")) return true;
  const isHeld = role.name === "user" || account.roles.includes(`ROLE_${role.name.toUpperCase()}`);
  return isHeld && role.permissions.every((permission) => account.permissions.includes(permission));
}

/** Whether an account may change a role itself: everybody has `user`, so that it takes `*`. */
export function governs(account, role) {
  return account.permissions.includes("*") || (role.name !== "user" && reaches(account, role));
}

/** Ask before an act, and say what will happen; return whether the answer is yes. */
export function confirm({ title, consequences, yes, isDanger = true }) {
  const dialog = one("#confirm");
  one("ul", dialog).replaceChildren(...consequences.filter(Boolean).map((text) => element("li", {}, text)));
  one("[data-yes]", dialog).className = `button ${isDanger ? "danger" : "primary"}`;
  return ask(dialog, { h2: title, "[data-yes]": yes });
}

/**
 * Do something; tell how it went, and load again after a conflict. Return whether it went well.
 *
 * Where a form can show a conflict, `onConflict` does so, and nothing else is said.
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

/** Say what went wrong, above all else, until something else is done. */
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

/** Return what is loaded for the content; while that fails by what passes, the content offers to try again. */
export function loaded(load) {
  return untilLoaded([one("[data-content]")], load);
}

/** Load something once more whenever it is called; only what was asked for last is shown. */
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

/** Where a tab keeps what the list of people shows. */
export const PEOPLE_QUERY = "people-query";

/** The part of the address that says what a list shows, so that going back and reloading work. */
export const query = () => new URLSearchParams(location.search);

/** Return the address of this page with some of its parameters changed; empty ones are left out. */
export function addressWith(changes) {
  const parameters = query();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") parameters.delete(name);
    else parameters.set(name, value);
  }
  return parameters.size > 0 ? `?${parameters}` : location.pathname;
}

/** Let a link within this page show another part of the list without loading the page. */
export function follow(link, load) {
  link.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    await load();
    one("[data-summary]").scrollIntoView({ block: "nearest" });
  });
}

/** Show a table of rows, or a word where there is none. */
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

// As the database begins with them; who has written something else sees that.
const FIRST_DESCRIPTIONS = {
  user: "Everybody who signs up.",
  moderator: "Looks after content.",
  admin: "May do everything.",
};

/** Return what a role is for: of those that every deployment has, in the language of the page. */
export function roleWords({ name, description }) {
  return FIRST_DESCRIPTIONS[name] === description ? say(`admin.client.role.${name}`) : description;
}

export function badge(text, kind = "") {
  return element("span", { class: `badge ${kind}`.trim() }, text);
}

/** Return the badges of a state: none for an account that is as most are. */
export function stateBadges(person) {
  const badges = [];
  if (person.status !== "active") badges.push(badge(say(`admin.client.state.${person.status}`), "danger"));
  if (!person.emailVerified) badges.push(badge(say("admin.client.state.unverified"), "warning"));
  if (badges.length === 0) badges.push(badge(say("admin.client.state.active"), "success"));
  return badges;
}

/** Return what several things are called, as one reads it. */
export function listed(things) {
  return new Intl.ListFormat(locale, { type: "conjunction" }).format(things);
}

/** Return a number in few letters: 1.2M. */
export function compact(value) {
  if (value < 10000) return number(value);
  return new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

const names = new Map();

/** Return the user names of accounts that are still there, by id; without `users:read`, none. */
export async function namesOf(account, ids) {
  const unknown = [...new Set(ids)].filter((id) => id !== null && !names.has(id));
  if (unknown.length > 0 && may(account, "users:read")) {
    const wanted = unknown.map((id) => `id=${id}`).join("&");
    const { items } = await get(`/api/admin/users?size=100&${wanted}`);
    for (const { id, username } of items) names.set(id, username);
  }
  return names;
}

/** Return a link to an account, by name where it is known and still there, else its number. */
export function personLink(account, id, known) {
  const text = known.get(id) ?? `#${id}`;
  return may(account, "users:read") && known.has(id) ? element("a", { href: `/admin/people/${id}` }, text) : text;
}
