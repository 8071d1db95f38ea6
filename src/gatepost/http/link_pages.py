"""The pages that links in mails open: each asks for a click, and only that uses the token up.

The token is in the fragment of the address, so that it reaches this page's script and no server, log or referrer.
"""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<title>Gatepost</title>
<link rel="icon" type="image/png" href="/docs/assets/favicon.png"><link rel="stylesheet" href="/links/style.css"></head>
<body><main><h1 id="title"></h1><p id="text"></p>
<form id="form"><div id="fields"></div><button id="button"></button></form>
<p id="answer" role="status"></p></main><script type="module" src="/links/script.js"></script></body></html>"""

STYLE = """:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { margin: 0; display: grid; place-items: center; min-height: 100vh }
main { width: min(26rem, 100vw - 2rem); padding: 2rem 0 }
h1 { font-size: 1.5rem; margin: 0 0 .5rem }
label { display: block; margin: .75rem 0 }
input { display: block; box-sizing: border-box; width: 100%; font: inherit; padding: .5rem; margin-top: .25rem }
button { font: inherit; padding: .6rem 1.2rem; margin-top: .75rem; cursor: pointer }
#answer:not(:empty) { padding: .75rem; border: 1px solid currentColor; border-radius: .25rem }"""

SCRIPT = """const username = { name: "username", label: "User name", type: "text", autocomplete: "username" };
const email = { name: "email", label: "E-mail address of the invitation", type: "email", autocomplete: "email" };
const password = { name: "password", label: "New password", type: "password", autocomplete: "new-password" };
const pages = {
  "/verify-email": {
    title: "Confirm your e-mail address", text: "One click, and the address is confirmed.",
    button: "Confirm", path: "/api/auth/email/verify", fields: [], key: "token",
  },
  "/set-password": {
    title: "Choose a password", text: "Every device that is signed in will be signed out.",
    button: "Save the password", path: "/api/auth/password/reset", fields: [password], key: "token",
  },
  "/not-me": {
    title: "This was not me", text: "That device is signed out, and we send you a link to choose a new password.",
    button: "Sign it out", path: "/api/auth/not-me", fields: [], key: "token",
  },
  "/invitation": {
    title: "Accept the invitation", text: "Choose how you will sign in.",
    button: "Make the account", path: "/api/auth/signup", fields: [username, email, password], key: "invitation",
  },
};
const page = pages[location.pathname];
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const by = (id) => document.getElementById(id);
document.title = by("title").textContent = page.title;
by("text").textContent = page.text;
by("button").textContent = page.button;
for (const { label, ...attributes } of page.fields) {
  const input = Object.assign(document.createElement("input"), attributes, { required: true });
  const line = document.createElement("label");
  line.append(label, input);
  by("fields").append(line);
}
if (!token) {
  by("form").hidden = true;
  by("answer").textContent = "This link is incomplete. Please open it from the mail again.";
}
by("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  by("button").disabled = true;
  const body = { ...Object.fromEntries(new FormData(by("form"))), [page.key]: token };
  try {
    const answer = await fetch(page.path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    const { message } = await answer.json();
    by("answer").textContent = message;
    by("form").hidden = answer.ok;
  } catch {
    by("answer").textContent = "The service cannot be reached. Please try again.";
  }
  by("button").disabled = false;
});
"""

# A form that the script does not send goes nowhere: its fields would stand in an address.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/verify-email", response_class=HTMLResponse)
@router.get("/set-password", response_class=HTMLResponse)
@router.get("/not-me", response_class=HTMLResponse)
@router.get("/invitation", response_class=HTMLResponse)
async def page() -> HTMLResponse:
    """Ask for the click; the script knows by the address what for."""
    return HTMLResponse(PAGE, headers={"Cache-Control": "no-store", "Content-Security-Policy": POLICY})


@router.get("/links/style.css")
async def style() -> Response:
    """How the pages look."""
    return Response(STYLE, media_type="text/css")


@router.get("/links/script.js")
async def script() -> Response:
    """What the pages do."""
    return Response(SCRIPT, media_type="text/javascript")
