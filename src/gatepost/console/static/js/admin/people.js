import { get } from "../api.js";
import { one, show } from "../ui.js";
import { ago, moment, number, say, sayCount } from "../words.js";
import { addressWith, badge, element, enter, follow, loader, PEOPLE_QUERY, query, stateBadges, table } from "./common.js";

const SIZE = 20;
const FILTERS = ["search", "role", "status", "sort"];
const USUAL = { sort: "-createdAt" };
const form = one("[data-filters]");

await enter("users:read");
await fillRoles();

const load = loader(() => {
  const asked = query();
  // No page says where it was reached from, so that the page of a person learns here what to go back to.
  sessionStorage.setItem(PEOPLE_QUERY, location.search);
  for (const name of FILTERS) {
    form.elements[name].value = asked.get(name) ?? USUAL[name] ?? "";
    // An order or a filter that is none of the page's own.
    if (form.elements[name].value === "" && USUAL[name]) form.elements[name].value = USUAL[name];
  }
  const wanted = new URLSearchParams({ size: SIZE, page: Math.max(1, Number.parseInt(asked.get("page"), 10) || 1) });
  for (const name of FILTERS) if (form.elements[name].value) wanted.set(name, form.elements[name].value);
  one("[data-list]").setAttribute("aria-busy", "true");
  return get(`/api/admin/users?${wanted}`);
}, display);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  find();
});
for (const name of ["role", "status", "sort"]) form.elements[name].addEventListener("change", find);
follow(one("[data-previous]"), load);
follow(one("[data-next]"), load);
window.addEventListener("popstate", load);
await load();

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
  table(
    one("[data-list]"),
    "people",
    items.map((person) => ({
      ...person,
      href: `/admin/people/${person.id}`,
      since: ago(person.createdAt),
      created: moment(person.createdAt),
    })),
    {
      empty: say(total === 0 ? "admin_people.client.nobody" : "admin_people.client.beyond"),
      more(row, person) {
        one("[data-roles]", row).append(...person.roles.map((role) => badge(role, role === "user" ? "" : "accent")));
        one("[data-states]", row).append(...stateBadges(person));
      },
    },
  );
  const from = (page - 1) * SIZE + 1;
  const range = { from: number(from), to: number(from + items.length - 1), total: number(total) };
  one("[data-summary]").textContent =
    items.length > 0
      ? say(totalIsExact ? "admin_people.client.range" : "admin_people.client.range_over", range)
      : sayCount("admin_people.client.count", total);
  const isMore = page < pages || (!totalIsExact && items.length === SIZE);
  link(one("[data-previous]"), page > 1, { page: page > 2 ? page - 1 : null });
  link(one("[data-next]"), isMore, { page: page + 1 });
  one("[data-place]").textContent = say("admin_people.client.place", {
    page: number(page),
    pages: totalIsExact ? number(Math.max(1, pages)) : `${number(pages)}+`,
  });
  show(page > 1 || isMore, one("[data-pager]"));
}

function link(anchor, isThere, changes) {
  anchor.href = addressWith(changes);
  anchor.toggleAttribute("inert", !isThere);
  anchor.setAttribute("aria-disabled", !isThere);
}

async function fillRoles() {
  const roles = await get("/api/admin/roles").catch(() => []);
  one("#role").append(...roles.map(({ name }) => element("option", { value: name }, name)));
}
