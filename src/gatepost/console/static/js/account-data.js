// Taking one's data along, and leaving.

import { get, remove } from "./api.js";
import { save } from "./files.js";
import { clear, handle } from "./forms.js";
import { attempt } from "./page.js";
import { forget } from "./session.js";
import { all, one, show } from "./ui.js";
import { day, say } from "./words.js";

const dialog = one("#delete-account");
const form = one("#delete-form");

export function bindData() {
  for (const button of all("[data-export], [data-delete]")) button.disabled = false;
  one("[data-export]").addEventListener("click", () => attempt(download));

  one("[data-delete]").addEventListener("click", () => {
    form.reset();
    clear(form);
    dialog.showModal();
  });
  one("[data-close]").addEventListener("click", () => dialog.close());

  handle(form, async ({ password }) => {
    const { eraseAt } = await remove("/api/users/me", { password });
    await forget();
    const end = one("[data-deleted]");
    one("[data-deleted-text]").textContent = say("account.client.deleted", { date: day(eraseAt) });
    show(false, form);
    show(true, end);
    end.focus();
    // There is no account to go back to.
    dialog.addEventListener("close", () => location.assign("/welcome"));
  });
}

async function download() {
  const all = await get("/api/users/me/export");
  save(JSON.stringify(all, null, 2), "gatepost-account.json", "application/json");
}
