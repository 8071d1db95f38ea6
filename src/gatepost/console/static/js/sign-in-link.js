import { untilLoaded } from "./again.js";
import { client, post } from "./api.js";
import { handle, words } from "./forms.js";
import { rememberWay } from "./last-way.js";
import { giveUp, needToken, token } from "./link.js";
import "./page.js";
import { secondFactor } from "./second-factor.js";
import { bindRestart, stand } from "./steps.js";
import { one, show, write } from "./ui.js";
import { device, moment, say } from "./words.js";

const form = one("#sign-in-link");
let isElsewhere = false;

needToken(form);
const look = secondFactor(form, arrive, restart);
handle(
  form,
  async () => {
    await client.signInWithEmailCode({ token, ...(isElsewhere && { elsewhere: true }) });
    arrive();
  },
  { onProblem: (problem) => (problem.code === "invalid_code" ? end() : look("email_code")(problem)) },
);
bindRestart(restart);

if (token) {
  try {
    tell(await untilLoaded([form], () => post("/api/auth/email-code/link", { token })));
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    giveUp(form, problem.code === "invalid_code" ? say("problem.link_invalid") : words(problem));
  }
}

/** Say who asks for the sign-in, if it is another device than this one. */
function tell(link) {
  isElsewhere = !link.sameBrowser;
  const lead = isElsewhere ? "sign_in_link.client.elsewhere" : "sign_in_link.client.here";
  write(one("[data-lead]"), say(lead, { email: link.email }));
  show(isElsewhere, one("[data-elsewhere]"));
  const button = one("[data-here]");
  button.classList.toggle("primary", !isElsewhere);
  if (!isElsewhere) return button.focus();
  button.textContent = say("sign_in_link.client.sign_in_here");
  one("[data-device]").textContent = device(link.device);
  one("[data-address]").textContent = link.address;
  one("[data-at]").textContent = moment(link.at);
}

const end = () => giveUp(form, say("problem.link_invalid"));

function arrive() {
  rememberWay("email_code");
  location.assign("/account");
}

/** A link works once: from the start means by another mail. */
function restart() {
  stand(form);
  end();
}
