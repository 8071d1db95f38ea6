import { post } from "./api.js";
import { handle } from "./forms.js";
import { finish, giveUp, needToken, token } from "./link.js";
import "./page.js";
import { one } from "./ui.js";
import { say } from "./words.js";

const form = one("#not-me");

needToken(form);
handle(
  form,
  async () => {
    const { linkSent } = await post("/api/auth/not-me", { token });
    finish(form, say(linkSent ? "not_me.client.done" : "not_me.client.no_link"));
  },
  { onProblem: ({ code }) => code === "link_invalid" && giveUp(form, say("not_me.client.unusable")) },
);
