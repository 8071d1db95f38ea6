// The dialog that creates an account for somebody.

import { post } from "../api.js";
import { restoreDraft, settled } from "../drafts.js";
import { clear, handle } from "../forms.js";
import { all, one, show, toast } from "../ui.js";
import { say } from "../words.js";
import { element, hush, reaches } from "./common.js";

/** Make the page's button open the form. */
export function maker({ account, roles, reload }) {
  const dialog = one("#new-person");
  const form = one("#person");
  const password = one("#person-password");
  one("[data-roles]", form).append(...roles.filter(({ name }) => name !== "user").map((role) => choice(account, role)));

  one("[data-new]").addEventListener("click", open);
  one("[data-close]", dialog).addEventListener("click", () => dialog.close());
  for (const box of all("[name=how]", form)) box.addEventListener("change", choosePassword);

  function open() {
    hush();
    form.reset();
    settled(form);
    clear(form);
    choosePassword();
    dialog.showModal();
  }

  function choosePassword() {
    const isSet = form.elements.how.value === "password";
    show(isSet, one("[data-password]", form));
    password.required = isSet;
    password.disabled = !isSet;
  }

  handle(form, async ({ username, email, language, password: chosen }) => {
    const given = all("[name=roles]:checked", form).map(({ value }) => value);
    const person = { username, email, language, roles: ["user", ...given] };
    person.emailVerified = form.elements.emailVerified.checked;
    if (chosen !== undefined) person.password = chosen;
    await post("/api/admin/users", person);
    dialog.close();
    toast(say(chosen === undefined ? "admin_people.client.made_link" : "admin_people.client.made", { name: username, email }));
    await reload();
  });
  restoreDraft(account, ({ id }) => {
    if (id === form.id) open();
  });
}

function choice(account, role) {
  const box = element("input", { type: "checkbox", name: "roles", value: role.name });
  box.disabled = !reaches(account, role);
  return element("label", { class: "check" }, box, element("span", {}, role.name));
}
