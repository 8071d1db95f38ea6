"""docs/clients: each page's code is built into an app as it stands, served by SPA_DIR, and driven in a browser."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatepost.app import create_app
from gatepost.composition.services import Services
from tests.browser.providers.conftest import AnsweringProvider
from tests.clients.conftest import Place
from tests.conftest import MakeServices, http_client
from tests.support.api import PASSWORD, Api
from tests.support.browser import watch
from tests.support.clock import FakeClock
from tests.support.external import set_up
from tests.support.factors import set_up_app
from tests.support.links import take_mails
from tests.support.missing import lacking, program
from tests.support.server import address, served

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = CHECKOUT / "docs" / "clients"
EXAMPLE = CHECKOUT / "examples" / "spa"
BLOCK = re.compile(r"<!-- test: ([\w.]+) -->\n```\w+\n(.*?)```", re.DOTALL)
PACKAGES = {
    "esbuild": "0.28.2",
    "react": "19.3.1",
    "react-dom": "19.3.1",
    "vue": "3.5.45",
    "@angular/common": "21.2.26",
    "@angular/compiler": "21.2.26",
    "@angular/core": "21.2.26",
    "@angular/platform-browser": "21.2.26",
    "rxjs": "7.8.2",
    "@gatepost/client": f"file:{CHECKOUT / 'packages/js'}",
}
# What a browser says of every 401 and 403, whatever the page does with it.
REFUSED = re.compile(r"Failed to load resource: the server responded with a status of 40[13]")
ORIGIN = "http://localhost:8080"
# An access token, or a refresh token.
TOKEN = re.compile(r"eyJ|gpr_")
PATIENCE = 20
# Counts the refreshes, and waits to be told before it asks at once.
NODE = """
import { createInterface } from "node:readline";
import { api, signIn, signOut } from "./tokens.js";
const calls = [];
const real = fetch;
globalThis.fetch = async (url, options) => {
  const answer = await real(url, options);
  calls.push(`${answer.status} ${new URL(url).pathname}`);
  return answer;
};
const say = (value) => console.log(JSON.stringify(value));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
say((await signIn("Abbey", "correct horse")).username);
await lines.next();
const paths = ["/api/users/me", "/api/auth/sessions", "/api/test/user"];
say((await Promise.all(paths.map((path) => api(path)))).map((answer) => answer.status));
await signOut();
say((await api("/api/users/me")).status);
say(calls);
process.exit(0);
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the documented apps are built from; npm fetches it once a run."""
    program("node", package="Node.js 20 or newer")
    npm = program("npm", package="npm, such as Debian's npm")
    folder = tmp_path_factory.mktemp("apps")
    (folder / "package.json").write_text(json.dumps({"type": "module", "private": True, "dependencies": PACKAGES}))
    arguments = ("install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--install-links")
    result = subprocess.run([npm, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if result.returncode != 0:
        reason = f"npm cannot install {', '.join(PACKAGES)}: it needs the network. {result.stderr.strip()[-300:]}"
        lacking(reason)
    shutil.copy(Path(__file__).parent / "build.mjs", folder)
    return folder


def example(_: Callable[[], Path]) -> Path:
    """Return the example, which needs no build."""
    return EXAMPLE


def built(name: str, entry: str) -> Callable[[Callable[[], Path]], Path]:
    """Return what builds the app of a page; `entry` is the file that its tool begins with."""

    def build(workshop: Callable[[], Path]) -> Path:
        folder = workshop() / name
        folder.mkdir(exist_ok=True)
        for file, code in blocks(name).items():
            (folder / file).write_text(code)
        if name == "angular":
            (folder / "start.ts").write_text('import "@angular/compiler";\nimport "./main";\n')
        command = ["node", "build.mjs", f"{name}/{entry}", f"{name}/dist"]
        result = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, timeout=120, check=False)
        assert result.returncode == 0, result.stderr
        return folder / "dist"

    return build


def blocks(name: str) -> Mapping[str, str]:
    """Return the code of a page by the names of its files."""
    return dict(BLOCK.findall((DOCUMENTS / f"{name}.md").read_text(encoding="utf-8")))


@pytest.fixture(
    params=[
        pytest.param(example, id="example"),
        pytest.param(built("react", "main.jsx"), id="react", marks=pytest.mark.node),
        pytest.param(built("vue", "main.js"), id="vue", marks=pytest.mark.node),
        pytest.param(built("angular", "start.ts"), id="angular", marks=pytest.mark.node),
    ]
)
def folder(request: pytest.FixtureRequest) -> Path:
    """Return each app in turn, built."""
    make: Callable[[Callable[[], Path]], Path] = request.param
    return make(lambda: request.getfixturevalue("workshop"))


class HoldsBack:
    """An app whose first refusal at one path reaches the client after the refresh that others caused."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path
        self._refreshed = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def later(message: Message) -> None:
            if message.get("status") == 401 and scope["path"] == self._path:
                async with asyncio.timeout(PATIENCE):
                    await self._refreshed.wait()
            await send(message)

        await self._app(scope, receive, later)
        if scope["type"] == "http" and scope["path"] == "/api/auth/refreshtoken":
            self._refreshed.set()


class Holds:
    """An app whose answers at one path wait for `released`: with all, or with what comes after the headers."""

    def __init__(self, app: ASGIApp, path: str, *, part: str) -> None:
        self._app = app
        self._path = path
        self._part = f"http.response.{part}"
        self.released = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def later(message: Message) -> None:
            if message["type"] == self._part and scope["path"] == self._path:
                async with asyncio.timeout(PATIENCE):
                    await self.released.wait()
            await send(message)

        await self._app(scope, receive, later)


@asynccontextmanager
async def opened(place: Place, app: ASGIApp, *, compiles_in_the_browser: bool = False) -> AsyncIterator[Page]:
    """Serve an app at http://localhost:8080, where Abbey has an account, and give a page of a browser."""
    async with served(app, place.api):
        account = {"username": "Abbey", "email": "abbey@example.com", "password": PASSWORD}
        async with httpx.AsyncClient(base_url=address(place.api), trust_env=False) as client:
            (await client.post("/api/auth/signup", json=account)).raise_for_status()
        context = await place.browser.new_context(bypass_csp=compiles_in_the_browser)
        try:
            yield await context.new_page()
        finally:
            await context.close()


@pytest.mark.browser
async def test_app_signs_in_refreshes_once_for_all_calls_and_signs_out(
    place: Place, make_services: MakeServices, clock: FakeClock, folder: Path
) -> None:
    services = make_services(spa_dir=folder)
    app = HoldsBack(create_app(services=services), "/api/auth/sessions")
    # `ng build` compiles the templates; here the browser does, which takes an eval.
    async with opened(place, app, compiles_in_the_browser="angular" in folder.parts) as page:
        seen, calls = watch(page), _calls(page)
        await page.goto(f"{ORIGIN}/orders/7")
        await _sign_in(page, "wrong horse")
        await expect(page.get_by_role("alert")).to_have_text("Invalid username or password!")
        await _sign_in(page, PASSWORD)
        hello = page.get_by_role("heading", name="Hello Abbey")
        await expect(hello).to_be_visible()
        kept = await page.evaluate("[document.cookie, sessionStorage.length, JSON.stringify(localStorage)]")
        assert kept[:2] == ["", 0]
        assert not TOKEN.search(kept[2])

        await _let_the_access_token_end(services, clock)
        calls.clear()
        await page.reload()

        await expect(hello).to_be_visible()
        assert any(call.startswith("401 ") for call in calls)
        assert [call for call in calls if "refresh" in call] == ["200 /api/auth/refreshtoken"]

        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        assert [error for error in seen.errors if not REFUSED.match(error)] == []
        assert seen.hosts == {"localhost:8080"}


@pytest.mark.browser
async def test_example_routes_its_own_addresses(place: Place, make_services: MakeServices) -> None:
    async with opened(place, create_app(services=make_services(spa_dir=EXAMPLE))) as page:
        await page.goto(f"{ORIGIN}/devices")
        await _sign_in(page, PASSWORD)
        await expect(page.get_by_role("listitem").filter(has_text="(this one)")).to_have_count(1)

        await page.get_by_role("link", name="Home").click()
        await expect(page.get_by_role("heading")).to_have_text("Hello Abbey")
        await page.go_back()

        await expect(page.get_by_role("heading")).to_have_text("Your devices")
        await page.reload()
        await expect(page.get_by_role("listitem")).to_have_count(2)


@pytest.mark.browser
@pytest.mark.parametrize("part", ["start", "body"])
@pytest.mark.parametrize(("path", "link"), [("/api/test/user", "Home"), ("/api/auth/sessions", "Devices")])
async def test_page_of_the_example_that_somebody_has_left_changes_nothing(
    place: Place, make_services: MakeServices, path: str, link: str, part: str
) -> None:
    app = Holds(create_app(services=make_services(spa_dir=EXAMPLE)), path, part=part)
    async with opened(place, app) as page:
        seen = watch(page)
        await page.goto(ORIGIN)
        async with page.expect_response(lambda response: response.url.endswith("/signin?transport=cookie")):
            await _sign_in(page, PASSWORD)
        async with page.expect_request_finished(lambda request: request.url.endswith(path)):
            async with page.expect_request(lambda request: request.url.endswith(path)) as asked:
                await page.get_by_role("link", name=link).click()
            if part == "body":
                await (await asked.value).response()
            await page.get_by_role("link", name="Password").click()
            await page.get_by_label("New password").fill("another horse")
            app.released.set()
        # A turn of the page, in which it does what it does with the answer.
        await page.evaluate("new Promise((resolve) => setTimeout(resolve))")

        await page.get_by_role("button", name="Change").click()

        await expect(page.get_by_role("alert").filter(has_text="Your password is changed.")).to_be_visible()
        assert [error for error in seen.errors if not REFUSED.match(error)] == []


@pytest.mark.browser
async def test_example_asks_for_a_fresh_proof_and_for_a_second_factor(
    place: Place, make_services: MakeServices, clock: FakeClock
) -> None:
    services = make_services(spa_dir=EXAMPLE)
    app = create_app(services=services)
    async with opened(place, app) as page, http_client(app) as client:
        await page.goto(ORIGIN)
        await _sign_in(page, PASSWORD)
        await expect(page.get_by_role("heading", name="Hello Abbey")).to_be_visible()
        await page.get_by_role("link", name="Password").click()
        clock.advance(minutes=6)
        await services.identity.revocations.poll()
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_role("button", name="Change").click()
        dialog = page.get_by_role("dialog", name="Confirm that it is you")
        await dialog.get_by_label("Password").fill("wrong horse")
        await dialog.get_by_role("button", name="Confirm").click()
        await expect(dialog.get_by_role("alert")).not_to_be_empty()
        await dialog.get_by_label("Password").fill(PASSWORD)
        await dialog.get_by_role("button", name="Confirm").click()
        await expect(page.get_by_text("Your password is changed.")).to_be_visible()

        api = Api(client)
        second = await set_up_app(api, services, await api.sign_in("Abbey", password=PASSWORD))
        clock.advance(minutes=1)
        await services.identity.revocations.poll()
        # Setting it up has ended the session of the page.
        await page.reload()
        await _sign_in(page, PASSWORD)
        await dialog.get_by_label("Code of your app").fill(second.code(clock.now()))
        await dialog.get_by_role("button", name="Confirm").click()
        await expect(page.get_by_role("heading", name="New password")).to_be_visible()


@pytest.mark.browser
async def test_example_offers_other_providers_and_codes_by_mail(place: Place, make_services: MakeServices) -> None:
    services = make_services(spa_dir=EXAMPLE)
    set_up(services, AnsweringProvider())
    async with opened(place, create_app(services=services)) as page:
        await page.goto(f"{ORIGIN}/devices")
        await page.get_by_role("button", name="Continue with Acme").click()
        await expect(page.get_by_role("listitem").filter(has_text="(this one)")).to_have_count(1)
        await expect(page).to_have_url(f"{ORIGIN}/devices")
        await page.get_by_role("link", name="Home").click()
        await expect(page.get_by_role("heading")).to_have_text("Hello Abbey Salami")
        await page.get_by_role("button", name="Sign out").click()

        await page.get_by_role("button", name="Get a code by e-mail").click()
        await page.get_by_label("E-mail address").fill("new@example.com")
        await page.get_by_role("button", name="Send the code").click()
        await expect(page.get_by_label("Code", exact=True)).to_be_focused()
        [mail] = [mail for mail in await take_mails(services) if mail.address == "new@example.com"]
        await page.keyboard.type("000000" if mail.code != "000000" else "000001")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).not_to_be_empty()
        await page.get_by_label("Code", exact=True).fill(mail.code)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading")).to_have_text("Hello new")


@pytest.mark.node
async def test_client_that_holds_its_tokens_refreshes_once_for_all_calls(
    place: Place, services: Services, clock: FakeClock, tmp_path: Path
) -> None:
    node = program("node", package="Node.js 20 or newer")
    app = HoldsBack(create_app(services=services), "/api/auth/sessions")
    async with opened(place, app):
        (tmp_path / "package.json").write_text('{"type": "module"}')
        (tmp_path / "tokens.js").write_text(blocks("tokens")["tokens.js"].replace(ORIGIN, address(place.api)))
        (tmp_path / "main.js").write_text(NODE)
        process = await asyncio.create_subprocess_exec(
            node, "main.js", cwd=tmp_path, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert json.loads(await process.stdout.readline()) == "Abbey"
            await _let_the_access_token_end(services, clock)
            process.stdin.write(b"\n")
            said = [json.loads(line) for line in (await process.stdout.read()).splitlines()]
            await process.wait()

    statuses, after_sign_out, calls = said
    assert statuses == [200, 200, 200]
    assert after_sign_out == 401
    assert [call for call in calls if "refresh" in call] == ["200 /api/auth/refreshtoken"]
    assert calls.count("401 /api/auth/sessions") == 1


def _calls(page: Page) -> list[str]:
    """Return a list that grows with the status and path of every call of the API."""
    calls: list[str] = []

    def note(response: Any) -> None:
        path = response.url.removeprefix(ORIGIN)
        if path.startswith("/api/"):
            calls.append(f"{response.status} {path}")

    page.on("response", note)
    return calls


async def _sign_in(page: Page, password: str) -> None:
    await page.get_by_label("User name").fill("Abbey")
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def _let_the_access_token_end(services: Services, clock: FakeClock) -> None:
    clock.advance(hours=24, seconds=1)
    await services.identity.revocations.poll()
