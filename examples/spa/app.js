// The service serves the client, too; with a build it is "@gatepost/client".
import { createClient } from "/console/latest/js/client/client.js";

const gatepost = createClient();
const main = document.querySelector("main");

// Fills the page with a template; gives the element that a selector finds in it.
function show(id) {
  main.replaceChildren(document.getElementById(id).content.cloneNode(true));
  return (selector) => main.querySelector(selector);
}

async function home() {
  const { username, roles } = gatepost.user;
  const board = await gatepost.fetch("/api/test/user");
  const find = show("home");
  find("h1").textContent = `Hello ${username}`;
  find("p").textContent = `${roles.join(", ")}: ${await board.text()}`;
  find("button").addEventListener("click", () => gatepost.signOut());
}

async function devices() {
  const answer = await gatepost.fetch("/api/auth/sessions");
  if (!answer.ok) return;
  const find = show("devices");
  for (const { device, isCurrent } of await answer.json()) {
    const line = document.createElement("li");
    line.textContent = isCurrent ? `${device} (this one)` : device;
    find("ul").append(line);
  }
}

function signInPage() {
  const find = show("sign-in");
  find("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const { username, password } = Object.fromEntries(new FormData(event.target));
    try {
      await gatepost.signIn({ username, password });
    } catch (error) {
      find("[role=alert]").textContent = error.message;
    }
  });
}

const pages = { "/": home, "/devices": devices };

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
