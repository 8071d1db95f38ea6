import { post } from "./api.js";
import { handle } from "./forms.js";
import { finish } from "./link.js";
import "./page.js";
import { one } from "./ui.js";
import { say } from "./words.js";

const form = one("#forgot");

handle(form, async ({ email }) => {
  await post("/api/auth/password/forgot", { email });
  finish(form, say("forgot_password.client.sent", { email }));
});
