import { get, patch, post, remove } from "../api.js";
import { clear, handle } from "../forms.js";
import { may } from "../page.js";
import { all, list, one, show, toast } from "../ui.js";
import { say } from "../words.js";
import { act, badge, complain, confirm, enter, governs, hush, ready } from "./common.js";

const account = await enter("users:read", "roles:write");
const editor = one("#editor");
const form = one("#role");
const ours = all("[name=permission]", form).map(({ value }) => value);
const text = (key, values) => say(`admin_roles.client.${key}`, values);
let edited = null;

await act(load);

async function load() {
  const roles = await get("/api/admin/roles");
  const cards = list(
    one("[data-roles]"),
    one("#role-card"),
    roles.map((role) => ({
      ...role,
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
  hush();
  form.reset();
  clear(form);
  one("#editor-title").textContent = role ? text("edit_title", { name: role.name }) : text("new_title");
  const permissions = role?.permissions ?? [];
  const isAll = permissions.includes("*");
  form.elements.name.value = role?.name ?? "";
  form.elements.name.readOnly = role !== null && (role.isBuiltIn || !account.permissions.includes("*"));
  form.elements.description.value = role?.description ?? "";
  for (const box of all("[name=permission]", form)) {
    box.checked = isAll || permissions.includes(box.value);
    box.disabled = isAll || !may(account, box.value);
  }
  form.elements.own.value = permissions.filter((word) => !ours.includes(word) && word !== "*").join("\n");
  form.elements.own.disabled = isAll;
  show(role !== null, one("[data-stale]", form));
  editor.showModal();
}

handle(
  form,
  async ({ name, description, own = "" }) => {
    const isAll = edited?.permissions.includes("*") ?? false;
    const boxes = all("[name=permission]", form);
    const kept = boxes.filter(({ checked }) => checked).map(({ value }) => value);
    const permissions = [...kept, ...own.split(/[\s,]+/).filter(Boolean)];
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
    onProblem(problem) {
      if (problem.code !== "version_mismatch") return false;
      editor.close();
      load();
      complain(problem);
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

ready();
