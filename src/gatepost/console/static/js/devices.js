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
    const devices = await untilLoaded([container, count], () => get("/api/auth/sessions"));
    // This device first, then in the API's order, by last use.
    devices.sort((one, other) => other.isCurrent - one.isCurrent);
    list(container, one("#device"), devices.map(described));
    for (const button of all("[data-end]", container)) button.addEventListener("click", () => end(button));
    show(devices.length > 1, others);
    count.textContent = sayCount("account.client.devices", devices.length);
    await showTrusted();
  });
}

async function showTrusted() {
  const trusted = await get("/api/users/me/trusted-devices");
  list(trustedList, one("#trusted-device"), trusted.map(describedTrusted));
  for (const button of all("[data-forget]", trustedList)) button.addEventListener("click", () => forget(button));
  show(trusted.length > 0, one("[data-trusted]"));
}

function describedTrusted(trusted) {
  const name = device(trusted.device);
  const when = ago(trusted.lastUsedAt);
  return {
    ...trusted,
    device: name,
    used: say("account.client.used", { when }),
    used_at: say("account.client.used", { when: moment(trusted.lastUsedAt) }),
    until: say("account.client.until", { date: day(trusted.expiresAt) }),
    label: say("account.client.forget_device", { device: name, when }),
  };
}

async function forget(button) {
  const isDone = await attempt(() => remove(`/api/users/me/trusted-devices/${button.dataset.forget}`));
  if (isDone) toast(say("account.client.device_forgotten"));
  await showDevices();
  (one("#trusted-title:not([hidden] *)") ?? one("#devices-title")).focus();
}

function described(session) {
  const name = device(session.device);
  return {
    ...session,
    device: name,
    isOther: !session.isCurrent,
    used: say("account.client.used", { when: ago(session.lastUsedAt) }),
    used_at: say("account.client.used", { when: moment(session.lastUsedAt) }),
    since: say("account.client.since_device", { when: moment(session.createdAt) }),
    label: say("account.client.end_device", { device: name, when: ago(session.lastUsedAt) }),
  };
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
