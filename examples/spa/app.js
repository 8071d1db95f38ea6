// The service serves the client, too; with a build it is "@gatepost/client".
import { createClient, errorOf } from "/console/latest/js/client/client.js";

const gatepost = createClient({
  // Some calls need a proof that is not older than five minutes. They are repeated once there is one.
  stepUp: (error) => prove(error, (proof) => gatepost.reauthenticate(proof)),
});
const main = document.querySelector("main");
const dialog = document.querySelector("dialog");

// Shows a template; gives the element that a selector finds in it, also when another one is shown since. So a page is
// shown first, and what it loads comes into it: an answer that is late changes no other page.
function show(id) {
  const page = document.createElement("section");
  page.append(document.getElementById(id).content.cloneNode(true));
  main.replaceChildren(page);
  return (selector) => page.querySelector(selector);
}

// Asks for the password or a code, whichever the account has, until `send` accepts it; whether it did.
function prove({ methods }, send) {
  const find = (selector) => dialog.querySelector(selector);
  const isPassword = methods.includes("password");
  const [input, alert] = [find("input"), find("[role=alert]")];
  find("span").textContent = isPassword ? "Password" : "Code of your app, or a recovery code";
  Object.assign(input, { type: isPassword ? "password" : "text", value: "" });
  alert.textContent = "";
  dialog.returnValue = "";
  find("form").onsubmit = async (event) => {
    event.preventDefault();
    const code = input.value;
    const method = /^[\d\s]+$/.test(code) ? "totp" : "recovery_code";
    try {
      await send(isPassword ? { method: "password", password: code } : { method, code });
      dialog.close("proved");
    } catch (error) {
      alert.textContent = error.message;
    }
  };
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "proved");
  });
}

async function home() {
  const { username, roles } = gatepost.user;
  const find = show("home");
  find("h1").textContent = `Hello ${username}`;
  find("button").addEventListener("click", () => gatepost.signOut());
  const board = await gatepost.fetch("/api/test/user");
  find("p").textContent = `${roles.join(", ")}: ${await board.text()}`;
}

async function devices() {
  const find = show("devices");
  const answer = await gatepost.fetch("/api/auth/sessions");
  if (!answer.ok) return;
  for (const { device, isCurrent } of await answer.json()) {
    const line = document.createElement("li");
    line.textContent = isCurrent ? `${device} (this one)` : device;
    find("ul").append(line);
  }
}

function passwordPage() {
  const find = show("password");
  find("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const { newPassword } = Object.fromEntries(new FormData(event.target));
    const answer = await gatepost.fetch("/api/auth/password/change", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ newPassword }),
    });
    find("[role=alert]").textContent = answer.ok ? "Your password is changed." : (await errorOf(answer)).message;
  });
}

function signInPage() {
  const find = show("sign-in");
  const tell = (error) => (find("[role=alert]").textContent = error.message);
  find("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const { username, password } = Object.fromEntries(new FormData(event.target));
    signIn(() => gatepost.signIn({ username, password })).catch(tell);
  });
  offerWays(find(".ways"), tell).catch(tell);
}

// Adds a button for each way in that the service offers besides passwords.
async function offerWays(place, tell) {
  const { providers, emailSignIn } = await gatepost.providers();
  const add = (text, use) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    button.addEventListener("click", () => Promise.resolve(use()).catch(tell));
    place.append(button, " ");
  };
  // The browser leaves, and comes back to this page: signed in, or by way of the service's sign-in page.
  for (const { name, title } of providers) add(`Continue with ${title}`, () => gatepost.signInWith(name));
  if (emailSignIn) add("Get a code by e-mail", emailCodePage);
}

function emailCodePage() {
  const find = show("email-code");
  const [email, code] = [find("[name=email]"), find("[name=code]")];
  find("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    find("[role=alert]").textContent = "";
    try {
      if (!email.readOnly) {
        await gatepost.emailCode(email.value);
        email.readOnly = true;
        code.parentElement.hidden = false;
        code.required = true;
        find("button").textContent = "Sign in";
        code.focus();
      } else await signIn(() => gatepost.signInWithEmailCode({ email: email.value, code: code.value }));
    } catch (error) {
      find("[role=alert]").textContent = error.message;
    }
  });
}

// Signs in by any way, and asks for a second factor where the account has one.
async function signIn(enter) {
  try {
    await enter();
  } catch (error) {
    const { code, pendingToken, methods } = error;
    if (code !== "second_factor_required" || methods.length === 0) throw error;
    await prove({ methods }, (proof) => gatepost.continueSignIn({ pendingToken, ...proof }));
  }
}

const pages = { "/": home, "/devices": devices, "/password": passwordPage };

function route() {
  if (gatepost.user === null) signInPage();
  else if (gatepost.user) (pages[location.pathname] ?? home)();
}

document.querySelector("nav").addEventListener("click", (event) => {
  if (!event.target.matches("a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", event.target.href);
  route();
});
addEventListener("popstate", route);
// Now, if it is known who is signed in, and whenever that changes, in this tab or another.
route();
gatepost.onChange(route);
gatepost.session().catch((error) => main.replaceChildren(error.message));
