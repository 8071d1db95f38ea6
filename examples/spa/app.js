import { api, signIn, signOut } from "/auth.js";

const main = document.querySelector("main");

// Fills the page with a template; gives the element that a selector finds in it.
function show(id) {
  main.replaceChildren(document.getElementById(id).content.cloneNode(true));
  return (selector) => main.querySelector(selector);
}

async function home() {
  const [account, board] = await Promise.all([api("/api/users/me"), api("/api/test/user")]);
  if (!account.ok) return signInPage();
  const { username, roles } = await account.json();
  const find = show("home");
  find("h1").textContent = `Hello ${username}`;
  find("p").textContent = `${roles.join(", ")}: ${await board.text()}`;
  find("button").addEventListener("click", async () => {
    await signOut();
    signInPage();
  });
}

async function devices() {
  const answer = await api("/api/auth/sessions");
  if (!answer.ok) return signInPage();
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
      await signIn(username, password);
      await route();
    } catch (error) {
      find("[role=alert]").textContent = error.message;
    }
  });
}

const pages = { "/": home, "/devices": devices };

function route() {
  return (pages[location.pathname] ?? home)();
}

document.querySelector("nav").addEventListener("click", (event) => {
  if (!event.target.matches("a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", event.target.href);
  route();
});
addEventListener("popstate", route);
route();
