// The devices where the person is signed in, and those that are trusted.

import { untilLoaded } from "./again.js";
import { get, post, remove } from "./api.js";
import { attempt } from "./page.js";
import { all, ask, list, one, show, toast } from "./ui.js";
import { ago, day, device, moment, say, sayCount } from "./words.js";

const container = one("#device-list");
const trustedList = one("#trusted-list");
const count = one("[data-device-count]");
const others = one("[data-end-others]");

/** Load and show them. */
export function showDevices() {
  return attempt(async () => {
    const load = () => Promise.all([get("/api/auth/sessions"), get("/api/users/me/trusted-devices")]);
    const [devices, trusted] = await untilLoaded([container, count], load);
    // This device first, then in the API's order, by last use.
    devices.sort((one, other) => other.isCurrent - one.isCurrent);
    list(container, one("#device"), devices.map(describedSession));
    for (const button of all("[data-end]", container)) button.addEventListener("click", () => end(button));
    show(devices.length > 1, others);
    count.textContent = sayCount("account.client.devices", devices.length);
    list(trustedList, one("#trusted-device"), trusted.map(describedTrusted));
    for (const button of all("[data-forget]", trustedList)) button.addEventListener("click", () => forget(button));
    show(trusted.length > 0, one("[data-trusted]"));
  });
}

function describedSession(session) {
  const since = say("account.client.since_device", { when: moment(session.createdAt) });
  return { ...described(session, "account.client.end_device"), isOther: !session.isCurrent, since };
}

function describedTrusted(trusted) {
  const until = say("account.client.until", { date: day(trusted.expiresAt) });
  return { ...described(trusted, "account.client.forget_device"), until };
}

/** Describe what a device and its use have in common; `act` is the text of the button. */
function described(entry, act) {
  const [name, when] = [device(entry.device), ago(entry.lastUsedAt)];
  return {
    ...entry,
    device: name,
    used: say("account.client.used", { when }),
    used_at: say("account.client.used", { when: moment(entry.lastUsedAt) }),
    label: say(act, { device: name, when }),
  };
}

async function forget(button) {
  const isDone = await attempt(() => remove(`/api/users/me/trusted-devices/${button.dataset.forget}`));
  if (isDone) toast(say("account.client.device_forgotten"));
  await showDevices();
  (one("#trusted-title:not([hidden] *)") ?? one("#devices-title")).focus();
}

async function end(button) {
  const isDone = await attempt(() => remove(`/api/auth/sessions/${button.dataset.end}`));
  if (isDone) toast(say("account.client.device_ended"));
  await showDevices();
  one("#devices-title").focus();
}

others.addEventListener("click", async () => {
  if (!(await ask(one("#end-others")))) return;
  if (await attempt(() => post("/api/auth/signout-others"))) toast(say("account.client.others_ended"));
  await showDevices();
});
