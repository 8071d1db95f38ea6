import { get, patch, post, remove } from "../api.js";
import { restoreDraft, settled } from "../drafts.js";
import { clear, handle } from "../forms.js";
import { may } from "../page.js";
import { all, list, one, show, toast } from "../ui.js";
import { say } from "../words.js";
import { act, badge, confirm, enter, governs, hush, listed, loaded, ready, roleWords } from "./common.js";
import { endConflict, showConflict } from "./conflict.js";

const account = await enter("users:read", "roles:write");
const editor = one("#editor");
const form = one("#role");
const ours = all("[name=permission]", form).map(({ value }) => value);
const text = (key, values) => say(`admin_roles.client.${key}`, values);
let edited = null;
let roles = [];

await act(load);

async function load() {
  display(await loaded(() => get("/api/admin/roles")));
}

function display(found) {
  roles = found;
  const cards = list(
    one("[data-roles]"),
    one("#role-card"),
    roles.map((role) => ({
      ...role,
      description: roleWords(role),
      isOwn: !role.isBuiltIn,
      isMine: may(account, "roles:write") && governs(account, role),
      people: may(account, "users:read") ? `/admin/people?role=${encodeURIComponent(role.name)}` : null,
      edit_label: text("edit_label", { name: role.name }),
      delete_label: text("delete_label", { name: role.name }),
    })),
  );
  cards.forEach((card, index) => {
    const role = roles[index];
    const words = role.permissions.includes("*")
      ? [badge(text("all"), "accent")]
      : role.permissions.map((word) => badge(word));
    one("[data-permissions]", card).append(...(words.length > 0 ? words : [badge(text("none"))]));
    one("[data-edit]", card).addEventListener("click", () => open(role));
    one("[data-delete]", card).addEventListener("click", () => ask(role));
    show(may(account, "users:read"), one("a", card));
  });
}

one("[data-new]").addEventListener("click", () => open(null));
one("[data-close]", editor).addEventListener("click", () => editor.close());

function open(role) {
  edited = role;
  form.dataset.about = role?.id ?? "";
  hush();
  endConflict(form);
  form.reset();
  settled(form);
  clear(form);
  one("#editor-title").textContent = role ? text("edit_title", { name: role.name }) : text("new_title");
  const permissions = role?.permissions ?? [];
  const isAll = permissions.includes("*");
  form.elements.name.value = role?.name ?? "";
  form.elements.name.readOnly = role !== null && (role.isBuiltIn || !account.permissions.includes("*"));
  form.elements.description.value = role?.description ?? "";
  for (const box of all("[name=permission]", form)) box.disabled = isAll || !may(account, box.value);
  form.elements.own.disabled = isAll;
  putPermissions(permissions);
  show(role !== null, one("[data-stale]", form));
  editor.showModal();
}

/** Reopen the editor for a restored draft. */
function reopen({ id, about }) {
  if (id !== form.id) return;
  const role = roles.find((one) => String(one.id) === about);
  if (role || about === "") open(role ?? null);
}

function putPermissions(permissions) {
  const isAll = permissions.includes("*");
  for (const box of all("[name=permission]", form)) box.checked = isAll || permissions.includes(box.value);
  form.elements.own.value = permissions.filter((word) => !ours.includes(word) && word !== "*").join("\n");
}

function typedPermissions() {
  if (edited?.permissions.includes("*")) return ["*"];
  const kept = all("[name=permission]:checked", form).map(({ value }) => value);
  return [...kept, ...form.elements.own.value.split(/[\s,]+/).filter(Boolean)];
}

/** Show in the editor what somebody else has changed in the role. */
async function showRoleConflict() {
  const before = edited;
  const mine = { ...typed(), permissions: typedPermissions() };
  display(await get("/api/admin/roles"));
  edited = roles.find(({ id }) => id === before.id);
  if (!edited) {
    edited = before;
    throw Object.assign(new Error(), { code: "role_not_found", status: 404, retryAfter: null, errors: [] });
  }
  const now = edited;
  const field = (name, use, words = String) => ({
    label: text(`conflict.${name}`), before: before[name], mine: mine[name], now: now[name], use, words,
  });
  showConflict(form, [
    field("name", (value) => { form.elements.name.value = value; }),
    field("description", (value) => { form.elements.description.value = value; }),
    field("permissions", putPermissions, (words) => listed([...words].sort())),
  ]);
}

const typed = () => ({ name: form.elements.name.value, description: form.elements.description.value });

handle(
  form,
  async ({ name, description }) => {
    const isAll = edited?.permissions.includes("*") ?? false;
    const permissions = typedPermissions();
    if (edited === null) {
      await post("/api/admin/roles", { name, description, permissions });
    } else {
      const change = { description };
      if (!isAll) change.permissions = permissions;
      if (name !== edited.name) change.name = name;
      await patch(`/api/admin/roles/${edited.id}`, change, { headers: { "If-Match": edited.etag } });
    }
    editor.close();
    toast(text(edited === null ? "made" : "saved", { name }));
    await load();
  },
  {
    async onProblem(problem) {
      if (problem.code !== "version_mismatch") return false;
      await showRoleConflict();
      return true;
    },
  },
);

async function ask(role) {
  const isSure = await confirm({
    title: text("delete.title", { name: role.name }),
    consequences: [
      text("delete.taken"),
      text("delete.tokens"),
      text("delete.services", { name: role.name }),
      text("delete.final"),
    ],
    yes: text("delete.yes"),
  });
  if (!isSure) return;
  const work = () => remove(`/api/admin/roles/${role.id}`, undefined, { headers: { "If-Match": role.etag } });
  if (await act(work, { done: text("delete.done", { name: role.name }), reload: load })) await load();
}

restoreDraft(account, reopen);
ready();
