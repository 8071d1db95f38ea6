import { get, patch, post, put as send, remove } from "../api.js";
import { restoreDraft } from "../drafts.js";
import { handle, open } from "../forms.js";
import { may } from "../page.js";
import { all, list, one, show, toast, write } from "../ui.js";
import { ago, device, moment, say, sayCount } from "../words.js";
import { act, badge, complain, confirm, element, enter, hush, listed, loaded, namesOf, PEOPLE_QUERY, reaches, ready, roleWords, stateBadges } from "./common.js";
import { endConflict, showConflict } from "./conflict.js";
import { showActivity } from "./person-activity.js";
import { factorWords, facts } from "./person-facts.js";
import { showIdentities } from "./person-identities.js";

const ACTIVITY = 8;
const PROFILE = ["username", "email", "language", "emailVerified"];
const id = Number(location.pathname.split("/").at(-1));
const path = `/api/admin/users/${id}`;
const profile = one("#profile");
const roleForm = one("#roles");
const account = await enter("users:read");
const isSelf = account.id === id;
const text = (key, values) =>
  say(`admin_person.client.${key}`, { name: person?.username, email: person?.email, ...values });
/** Return a text in its variant for accounts with or without a password. */
const textOf = (key, values) => text(person.hasPassword ? key : `${key}_without_password`, values);

let person = null;
let sessions = [];
let roles = [];

one("[data-all-activity]").href = one("[data-missing-audit]").href = `/admin/audit?userId=${id}`;
one("[data-back]").href = `/admin/people${sessionStorage.getItem(PEOPLE_QUERY) ?? ""}`;

roles = await shown(() => get("/api/admin/roles"));
if (roles) await load();

/** Load and show the account, or say that it does not exist. Return whether it was loaded. */
async function load() {
  const found = await shown(() => Promise.all([get(path), get(`${path}/sessions`), activity()]));
  if (!found) return false;
  [person, sessions] = found;
  display();
  if (found[2]) showActivity(...found[2], { by: nameOf, none: text("no_activity") });
  return true;
}

async function shown(read) {
  try {
    return await loaded(read);
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    if (problem.status !== 404) complain(problem);
    show(false, one("[data-person]"));
    show(problem.status === 404, one("[data-missing]"));
    return null;
  }
}

/** Return the newest audit entries, and the names of the people who acted. */
async function activity() {
  if (!may(account, "audit:read")) return null;
  const { items } = await get(`/api/admin/audit?userId=${id}&size=${ACTIVITY}`);
  return [items, await namesOf(account, items.map(({ actorId }) => actorId))];
}

/** The version that was loaded, so that other people's changes are not overwritten. */
const seen = () => ({ headers: { "If-Match": `"${person.version}"` } });

function display() {
  document.title = document.title.replace(/^.*?( · |$)/, `${person.username}$1`);
  one("[data-name]").textContent = person.username;
  write(one("[data-email]"), person.email);
  one("[data-states]").replaceChildren(...stateBadges(person), ...(isSelf ? [badge(text("self"), "accent")] : []));
  one("[data-facts]").replaceChildren(
    ...facts(person, sessions).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
  for (const name of PROFILE) put(name, person[name]);
  for (const form of [profile, roleForm]) endConflict(form);
  displayRoles();
  displaySessions();
  showIdentities(person, {
    mayUnlink: !isSelf && may(account, "factors:reset"),
    unlink: (identity) => remove(`${path}/identities/${identity}`, undefined, seen()),
    reload: load,
  });
  const isDisabled = person.status === "disabled";
  if (isSelf) show(false, profile, one("[data-sign-out-all]"), one("[data-reset]").closest("section"));
  show(!isSelf && may(account, "factors:reset") && person.factors.length > 0, one("[data-factors-card]"));
  show(isSelf, ...all("[data-own]"));
  show(!isDisabled, one("[data-disable]"));
  show(isDisabled, one("[data-enable]"));
  one("[data-reset]").disabled = isDisabled;
  one("[data-reset-text]").textContent = isDisabled ? text("reset_disabled") : textOf("reset_text");
}

function put(name, value) {
  const field = profile.elements[name];
  if (name === "emailVerified") field.checked = value;
  else field.value = value;
}

const typed = (name) => profile.elements[name][name === "emailVerified" ? "checked" : "value"];

function displayRoles() {
  const held = person.roles;
  const shown = may(account, "users:write") ? roles : roles.filter(({ name }) => held.includes(name));
  const choices = list(one("[data-roles]"), one("#role-choice"), shown.map((role) => ({ ...role, description: roleWords(role) })));
  choices.forEach((choice, index) => {
    const box = one("input", choice);
    box.checked = held.includes(shown[index].name);
    box.disabled = !may(account, "users:write") || !reaches(account, shown[index]);
  });
  show(may(account, "users:write") && shown.some((role) => !reaches(account, role)), one("[data-beyond]"));
  one("[data-save-roles]").disabled = true;
}

function displaySessions() {
  list(
    one("[data-sessions]"),
    one("#session-row"),
    sessions.map((session) => ({
      ...session,
      device: device(session.device),
      used: text("used", { when: ago(session.lastUsedAt) }),
      used_at: text("used", { when: moment(session.lastUsedAt) }),
    })),
  );
  if (sessions.length === 0)
    one("[data-sessions]").replaceChildren(element("li", { class: "muted" }, text("no_sessions")));
  one("[data-session-count]").textContent = sessions.length;
  one("[data-sign-out-all]").disabled = sessions.length === 0;
}

/** Return the text for who acted, if it was somebody else. */
function nameOf({ actorId }, names) {
  return actorId !== null && actorId !== id && text("by", { name: names.get(actorId) ?? `#${actorId}` });
}

handle(
  profile,
  async () => {
    hush();
    const changed = PROFILE.filter((name) => typed(name) !== person[name]);
    const change = Object.fromEntries(changed.map((name) => [name, typed(name)]));
    await patch(path, { version: person.version, ...change });
    toast(text("saved"));
    await load();
  },
  {
    async onProblem(problem) {
      if (!["version_mismatch", "beyond_authority"].includes(problem.code)) return false;
      if (problem.code === "version_mismatch") await showProfileConflict();
      else complain(problem);
      return true;
    },
  },
);

async function showProfileConflict() {
  const [before, mine] = [person, Object.fromEntries(PROFILE.map((name) => [name, typed(name)]))];
  if (!(await load())) return;
  const fields = PROFILE.map((name) => ({
    label: text(`field.${name}`),
    before: before[name],
    mine: mine[name],
    now: person[name],
    use: (value) => put(name, value),
    words: (value) => fieldWords(name, value),
  }));
  showConflict(profile, fields);
}

function fieldWords(name, value) {
  if (name === "emailVerified") return text(value ? "field.yes" : "field.no");
  if (name === "language") return [...profile.elements.language.options].find((one) => one.value === value)?.text ?? value;
  return value;
}

async function showRoleConflict(before, mine) {
  if (!(await load())) return;
  const field = {
    ...{ label: text("roles.title"), before, mine, now: person.roles },
    use(value) {
      for (const box of all("[name=roles]", roleForm)) box.checked = value.includes(box.value);
      roleForm.dispatchEvent(new Event("change"));
    },
    words: (value) => listed([...value].sort()),
  };
  showConflict(roleForm, [field]);
}

const chosen = () => all("[name=roles]:checked", roleForm).map(({ value }) => value);

roleForm.addEventListener("change", () => {
  const now = chosen();
  one("[data-save-roles]").disabled =
    now.length === person.roles.length && now.every((name) => person.roles.includes(name));
});

open(roleForm, async (event) => {
  event.preventDefault();
  const now = chosen();
  const given = now.filter((name) => !person.roles.includes(name));
  const taken = person.roles.filter((name) => !now.includes(name));
  const isSure = await confirm({
    title: text("roles.title"),
    consequences: [
      given.length > 0 && text("roles.given", { roles: listed(given) }),
      taken.length > 0 && text("roles.taken", { roles: listed(taken) }),
      text("roles.tokens"),
      isSelf && taken.length > 0 && text("roles.self"),
    ],
    yes: text("roles.yes"),
    isDanger: taken.length > 0,
  });
  if (!isSure) return;
  const { roles: before, version } = person;
  const work = () => send(`${path}/roles`, { roles: now, version });
  if (await act(work, { done: text("roles.done"), onConflict: () => showRoleConflict(before, now) })) await load();
});

on("[data-sign-out-all]", {
  question: () => ({
    title: text("sign_out.title"),
    consequences: [ends(), text("sign_out.again"), text("no_mail")],
    yes: text("sign_out.yes"),
  }),
  work: () => post(`${path}/signout`, undefined, seen()),
  done: () => text("sign_out.done"),
});
on("[data-disable-button]", {
  question: () => ({
    title: text("disable.title"),
    consequences: [text("disable.locked"), ends(), text("disable.kept"), text("no_mail")],
    yes: text("disable.yes"),
  }),
  work: () => post(`${path}/disable`, undefined, seen()),
  done: () => text("disable.done"),
});
on("[data-enable-button]", {
  question: () => ({
    title: text("enable.title"),
    consequences: [text("enable.again"), text("enable.sessions"), text("no_mail")],
    yes: text("enable.yes"),
    isDanger: false,
  }),
  work: () => post(`${path}/enable`, undefined, seen()),
  done: () => text("enable.done"),
});
on("[data-reset]", {
  question: () => ({
    title: text("reset.title"),
    consequences: [text("reset.mail"), text(person.hasPassword ? "reset.kept" : "reset.first"), text("reset.sessions")],
    yes: text("reset.yes"),
    isDanger: false,
  }),
  work: () => post(`${path}/password/reset`, undefined, seen()),
  done: () => text("reset.done"),
});
on("[data-reset-factors]", {
  question: () => ({
    title: text("factors.title"),
    consequences: [
      textOf("factors.gone", { factors: factorWords(person) }),
      textOf("factors.sure"),
      ends(),
      text("factors.mail"),
    ],
    yes: text("factors.yes"),
  }),
  work: () => remove(`${path}/factors`, undefined, seen()),
  done: () => text("factors.done"),
});
on("[data-delete]", {
  question: () => ({
    title: text("delete.title"),
    consequences: [text("delete.gone"), ends(), text("delete.kept", { id }), text("no_mail"), text("delete.final")],
    yes: text("delete.yes"),
  }),
  work: () => remove(path, undefined, seen()),
  done: () => text("delete.done"),
  after: () => location.assign("/admin/people"),
});

/** Return the text for the sessions that an action ends. */
function ends() {
  if (sessions.length === 0) return text("ends_none");
  const devices = [...new Set(sessions.map((session) => device(session.device)))];
  return `${sayCount("admin_person.client.ends", sessions.length)} ${listed(devices)}.`;
}

function on(selector, { question, work, done, after = load }) {
  one(selector).addEventListener("click", async () => {
    if (!(await confirm(question()))) return;
    const said = done();
    if (await act(work, { done: said, reload: load })) await after();
  });
}

if (person) restoreDraft(account);
ready();
