import { get } from "../api.js";
import { may } from "../page.js";
import { all, one, show } from "../ui.js";
import { ago, moment, number, say, sayCount } from "../words.js";
import { chooser } from "./chosen.js";
import { addressWith, badge, complain, element, enter, follow, loader, PEOPLE_QUERY, query, stateBadges, table, unfold } from "./common.js";
import { maker } from "./new-person.js";

const SIZE = 20;
const FILTERS = ["search", "role", "status", "factor", "sort"];
const USUAL = { sort: "-createdAt" };
// The first order of a column: names from A, times from the latest.
const FIRST = { username: "username", email: "email", createdAt: "-createdAt", lastSignInAt: "-lastSignInAt" };
const form = one("[data-filters]");

const account = await enter("users:read");
const mayChange = may(account, "users:write");
const roles = await get("/api/admin/roles").catch(() => []);
unfold(FILTERS.some((name) => name !== "search" && query().has(name)));
one("#role").append(...roles.map(({ name }) => element("option", { value: name }, name)));

const load = loader(() => {
  const asked = query();
  // Pages send no referrer, so the page of a person reads here where "back" leads to.
  sessionStorage.setItem(PEOPLE_QUERY, location.search);
  for (const name of FILTERS) {
    form.elements[name].value = asked.get(name) ?? USUAL[name] ?? "";
    // The URL has an order that the page does not know.
    if (form.elements[name].value === "" && USUAL[name]) form.elements[name].value = USUAL[name];
  }
  const wanted = new URLSearchParams({ size: SIZE, page: Math.max(1, Number.parseInt(asked.get("page"), 10) || 1) });
  for (const [name, value] of filters()) wanted.set(name, value);
  one("[data-list]").setAttribute("aria-busy", "true");
  return get(`/api/admin/users?${wanted}`);
}, display);
const choice = chooser({ account, roles, reload: load });
maker({ account, roles, reload: load });

form.addEventListener("submit", (event) => {
  event.preventDefault();
  find();
});
for (const name of ["role", "status", "factor", "sort"]) form.elements[name].addEventListener("change", find);
follow(one("[data-previous]"), load);
follow(one("[data-next]"), load);
window.addEventListener("popstate", load);
one("[data-export]").addEventListener("click", download);
await load();

/** Return the filters and the order of the list. */
function filters() {
  return FILTERS.map((name) => [name, form.elements[name].value]).filter(([, value]) => value);
}

function find() {
  const values = Object.fromEntries(FILTERS.map((name) => [name, form.elements[name].value.trim()]));
  history.pushState(
    null,
    "",
    addressWith({ ...values, sort: values.sort === USUAL.sort ? null : values.sort, page: null }),
  );
  load();
}

function display({ items, total, totalIsExact, page, pages }) {
  const focused = document.activeElement?.closest("[data-order]")?.dataset.order;
  table(
    one("[data-list]"),
    "people",
    items.map((person) => ({
      ...person,
      href: `/admin/people/${person.id}`,
      choose: say("admin_people.client.choose", { name: person.username }),
      since: ago(person.createdAt),
      created: moment(person.createdAt),
      seen: person.lastSignInAt ? ago(person.lastSignInAt) : say("admin_people.client.never"),
      // On a phone there are no column headings, so "never" needs a full text.
      never: person.lastSignInAt ? null : say("admin_people.client.never_signed_in"),
      seen_at: person.lastSignInAt && moment(person.lastSignInAt),
    })),
    {
      empty: say(total === 0 ? "admin_people.client.nobody" : "admin_people.client.beyond"),
      more(row, person) {
        one("[data-roles]", row).append(...person.roles.map((role) => badge(role, role === "user" ? "" : "accent")));
        one("[data-states]", row).append(...stateBadges(person));
        one("[data-factors]", row).append(...factorBadges(person));
        choice.watch(one("[data-choose] input", row), person);
      },
    },
  );
  show(mayChange, ...all("[data-list] [data-choose]"));
  choice.shown(items);
  displayOrder(focused);
  const from = (page - 1) * SIZE + 1;
  const range = { from: number(from), to: number(from + items.length - 1), total: number(total) };
  one("[data-summary]").textContent =
    items.length > 0 && items.length < total
      ? say(totalIsExact ? "admin_people.client.range" : "admin_people.client.range_over", range)
      : sayCount("admin_people.client.count", total);
  const isMore = page < pages || (!totalIsExact && items.length === SIZE);
  // From a page after the last one, back to the last one.
  const before = Math.max(1, totalIsExact ? Math.min(page - 1, pages) : page - 1);
  link(one("[data-previous]"), page > 1, { page: before > 1 ? before : null });
  link(one("[data-next]"), isMore, { page: page + 1 });
  one("[data-place]").textContent = say("admin_people.client.place", {
    page: number(page),
    pages: totalIsExact ? number(Math.max(1, pages)) : `${number(pages)}+`,
  });
  show(page > 1 || isMore, one("[data-pager]"));
}

/** Return the badges of a person's second factors. Recovery codes have none. */
function factorBadges({ factors }) {
  const kinds = factors.filter((factor) => factor !== "recovery_code");
  return kinds.map((kind) => badge(say(`admin_people.client.has.${kind}`), "success"));
}

/** Show the order of the list in the column headings, and make them change it. */
function displayOrder(focused) {
  const sort = form.elements.sort.value;
  for (const head of all("[data-list] [data-order]")) {
    const { order } = head.dataset;
    const isHere = sort.replace("-", "") === order;
    if (isHere) head.setAttribute("aria-sort", sort.startsWith("-") ? "descending" : "ascending");
    const button = one("button", head);
    button.addEventListener("click", () => {
      form.elements.sort.value = isHere ? (sort.startsWith("-") ? order : `-${order}`) : FIRST[order];
      find();
    });
    if (order === focused) button.focus();
  }
}

function link(anchor, isThere, changes) {
  anchor.href = addressWith(changes);
  anchor.toggleAttribute("inert", !isThere);
  anchor.setAttribute("aria-disabled", !isThere);
}

/** Download the filtered list as a file; a first call checks that the session is still valid. */
async function download(event) {
  event.preventDefault();
  try {
    await get("/api/admin/users?size=1");
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    return complain(problem);
  }
  element("a", { href: `/api/admin/users/export?${new URLSearchParams(filters())}`, download: "" }).click();
}
