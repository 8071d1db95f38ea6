import { post } from "./api.js";
import { handle } from "./forms.js";
import { finish, giveUp, needToken, token } from "./link.js";
import "./page.js";
import { one } from "./ui.js";
import { say } from "./words.js";

const form = one("#set-password");

needToken(form);
handle(
  form,
  async ({ password }) => {
    await post("/api/auth/password/reset", { token, password });
    finish(form, say("set_password.client.set"));
  },
  { onProblem: ({ code }) => code === "link_invalid" && giveUp(form, say("problem.link_invalid")) },
);
