// People selected in the list, across its pages, and actions on all of them.

import { get, post, put } from "../api.js";
import { may } from "../page.js";
import { all, one, show, toast } from "../ui.js";
import { number, say, sayCount } from "../words.js";
import { confirm, element, hush, inWords, listed, reaches } from "./common.js";

// Concurrent requests: each person is a separate request with all its checks, and the service has other clients.
const AT_ONCE = 4;
const NAMED = 10;
const BY_ID = 100;

const path = (person, act) => `/api/admin/users/${person.id}/${act}`;
const seen = ({ version }) => ({ headers: { "If-Match": `"${version}"` } });
const withRoles = (person, roles) => put(path(person, "roles"), { roles, version: person.version });
const ACTS = {
  disable: (person) => post(path(person, "disable"), undefined, seen(person)),
  enable: (person) => post(path(person, "enable"), undefined, seen(person)),
  sign_out: (person) => post(path(person, "signout"), undefined, seen(person)),
  give: (person, role) => (person.roles.includes(role) ? person : withRoles(person, [...person.roles, role])),
  take: (person, role) => withRoles(person, person.roles.filter((name) => name !== role)),
};

/** Make people selectable: `watch` connects a row's checkbox, `shown` tells which people the page shows. */
export function chooser({ account, roles, reload }) {
  const chosen = new Map();
  const bar = one("[data-chosen]");
  const everybody = one("[data-all]");
  const role = one("#chosen-role");
  let here = [];
  const given = roles.filter((one) => one.name !== "user" && reaches(account, one));
  role.append(...given.map(({ name }) => element("option", { value: name }, name)));
  show(given.length > 0, one(".chosen-role", bar));

  everybody.addEventListener("change", () => {
    for (const person of here) choose(person, everybody.checked);
    display();
  });
  one("[data-none]", bar).addEventListener("click", () => {
    chosen.clear();
    show(false, one("[data-results]"));
    display();
    everybody.focus();
  });
  for (const button of all("[data-act]", bar)) button.addEventListener("click", () => run(button.dataset.act));

  function choose(person, isChosen) {
    if (isChosen) chosen.set(person.id, person);
    else chosen.delete(person.id);
  }

  function watch(box, person) {
    box.value = person.id;
    box.addEventListener("change", () => {
      choose(person, box.checked);
      display();
    });
  }

  function shown(people) {
    here = people;
    // Update those who were selected on another page or before an action.
    for (const person of people) if (chosen.has(person.id)) chosen.set(person.id, person);
    show(may(account, "users:write") && people.length > 0, one("[data-all-line]"));
    display();
  }

  function display() {
    for (const box of all("[data-list] [data-choose] input")) box.checked = chosen.has(Number(box.value));
    const count = here.filter(({ id }) => chosen.has(id)).length;
    everybody.checked = count > 0 && count === here.length;
    everybody.indeterminate = count > 0 && count < here.length;
    one("[data-chosen-count]", bar).textContent = sayCount("admin_people.client.chosen", chosen.size);
    show(chosen.size > 0, bar);
  }

  async function run(act) {
    const people = [...chosen.values()];
    if (!(await confirm(question(act, people, role.value)))) return;
    hush();
    show(false, one("[data-results]"));
    bar.inert = true;
    bar.setAttribute("aria-busy", "true");
    const refused = await inTurns(people, (person) => ACTS[act](person, role.value));
    await readAgain(chosen);
    await reload();
    bar.inert = false;
    bar.removeAttribute("aria-busy");
    tell(people.length - refused.length, refused);
  }

  return { watch, shown };
}

function question(act, people, role) {
  const text = (key) => say(`admin_people.client.act.${act}.${key}`, { role });
  const names = people.slice(0, NAMED).map(({ username }) => username);
  const rest = people.length - names.length;
  return {
    title: say(`admin_people.client.act.${act}.title`, { role, count: number(people.length) }),
    consequences: [
      listed(rest > 0 ? [...names, sayCount("admin_people.client.others", rest)] : names),
      text("holds"),
      say("admin_people.client.one_by_one"),
    ],
    yes: text("yes"),
    isDanger: act !== "enable" && act !== "give",
  };
}

/** Call `work` for each person, some concurrently; return the refused people with their problems. */
async function inTurns(people, work) {
  const waiting = [...people];
  const refused = [];
  const one = async () => {
    for (let person = waiting.shift(); person; person = waiting.shift()) {
      try {
        await work(person);
      } catch (problem) {
        if (problem.code === undefined) throw problem;
        refused.push({ person, problem });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return refused;
}

/** Reload the selected people, so that a second attempt uses their current versions; deselect those that are gone. */
async function readAgain(chosen) {
  const ids = [...chosen.keys()];
  try {
    for (let start = 0; start < ids.length; start += BY_ID) {
      const asked = ids.slice(start, start + BY_ID);
      const { items } = await get(`/api/admin/users?size=${BY_ID}&${asked.map((id) => `id=${id}`).join("&")}`);
      for (const id of asked) chosen.delete(id);
      for (const person of items) chosen.set(person.id, person);
    }
  } catch (problem) {
    // They stay as they were; the list shows the problem.
    if (problem.code === undefined) throw problem;
  }
}

function tell(done, refused) {
  if (refused.length === 0) return toast(sayCount("admin_people.client.done", done));
  const box = one("[data-results]");
  one("p", box).textContent = `${sayCount("admin_people.client.done", done)} ${sayCount("admin_people.client.refused", refused.length)}`;
  one("ul", box).replaceChildren(
    ...refused.map(({ person, problem }) => element("li", {}, element("strong", {}, person.username), ": ", inWords(problem))),
  );
  show(true, box);
  box.focus();
}
