import { get, post, remove } from "../api.js";
import { restoreDraft } from "../drafts.js";
import { handle } from "../forms.js";
import { may } from "../page.js";
import { all, one, show, toast } from "../ui.js";
import { ago, moment, number, say } from "../words.js";
import { act, badge, complain, confirm, element, enter, hush, listed, loaded, reaches, ready, table } from "./common.js";

const PAGE = 20;
const account = await enter("users:read");
const form = one("#invite");
const text = (key, values) => say(`admin_invitations.client.${key}`, values);
let invitations = [];
let known = new Map();
let shown = PAGE;

try {
  const roles = await loaded(() => get("/api/admin/roles"));
  known = new Map(roles.map((role) => [role.name, role]));
  one("[data-roles]", form).append(...roles.filter(({ name }) => name !== "user").map(choice));
  await load();
} catch (problem) {
  if (problem.code === undefined) throw problem;
  complain(problem);
}

function choice(role) {
  const box = element("input", { type: "checkbox", name: "roles", value: role.name });
  box.disabled = !reaches(account, role);
  return element("label", { class: "check" }, box, element("span", {}, role.name));
}

async function load() {
  invitations = await loaded(() => get("/api/admin/invitations"));
  display();
}

function display() {
  one("[data-count]").textContent = number(invitations.length);
  table(
    one("[data-list]"),
    "invitation",
    invitations.slice(0, shown).map((invitation) => ({
      ...invitation,
      sent: ago(invitation.createdAt),
      sent_at: moment(invitation.createdAt),
      until: new Date(invitation.expiresAt) < Date.now() ? text("expired") : ago(invitation.expiresAt),
      until_at: moment(invitation.expiresAt),
      may: may(account, "users:write") && invitation.roles.every((name) => known.has(name) && reaches(account, known.get(name))),
      label: text("label", { email: invitation.email }),
      again_label: text("again_label", { email: invitation.email }),
    })),
    {
      empty: text("nobody"),
      more(row, invitation) {
        one("[data-roles]", row).append(
          ...["user", ...invitation.roles.filter((name) => name !== "user")].map((name) =>
            badge(name, name === "user" ? "" : "accent"),
          ),
        );
        one("[data-again]", row).addEventListener("click", () => sendAgain(invitation));
        one("[data-take-back]", row).addEventListener("click", () => ask(invitation));
      },
    },
  );
  show(invitations.length > shown, one("[data-more]"));
}

one("[data-more] button").addEventListener("click", () => {
  shown += PAGE;
  display();
});

handle(form, async ({ email, language }) => {
  hush();
  const roles = all("[name=roles]:checked", form).map(({ value }) => value);
  const earlier = earlierOf(email);
  if (earlier && !(await isSure("replace", earlier, roles))) return;
  await post("/api/admin/invitations", { email, language, roles });
  form.reset();
  toast(text("sent", { email }));
  await load();
});

/** Return the invitation in the list that a new one to this address would replace. */
function earlierOf(email) {
  const asWritten = email.trim().toLowerCase();
  return invitations.find((invitation) => invitation.email.toLowerCase() === asWritten);
}

/** Ask for confirmation before an address gets another invitation. */
function isSure(act, { email, createdAt, roles: before }, roles) {
  const [earlier, later] = [before, roles].map((names) => listed(["user", ...names.filter((name) => name !== "user")]));
  return confirm({
    title: text(`${act}.title`, { email }),
    consequences: [
      text("replace.sent", { when: ago(createdAt), roles: earlier }),
      earlier !== later && text("replace.roles", { roles: later }),
      text("replace.link"),
    ],
    yes: text(`${act}.yes`),
    isDanger: false,
  });
}

async function sendAgain(invitation) {
  const { email } = invitation;
  const roles = invitation.roles.filter((name) => name !== "user");
  if (!(await isSure("again", invitation, roles))) return;
  const { value: language } = form.elements.language;
  const work = () => post("/api/admin/invitations", { email, language, roles });
  if (await act(work, { done: text("sent", { email }) })) await load();
}

async function ask(invitation) {
  const isSure = await confirm({
    title: text("take_back.title", { email: invitation.email }),
    consequences: [text("take_back.link"), text("take_back.no_mail"), text("take_back.again")],
    yes: text("take_back.yes"),
  });
  if (!isSure) return;
  const work = () => remove(`/api/admin/invitations/${invitation.id}`);
  await act(work, { done: text("take_back.done") });
  await load();
}

restoreDraft(account);
ready();
