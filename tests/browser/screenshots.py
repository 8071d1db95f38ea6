"""Take the pictures of the pages in docs/screenshots: by day, by night, and on a phone. `make screenshots` runs it."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, Page

from tests.support import demo
from tests.support.browser import chromium
from tests.support.server import GatepostServer, gatepost_server
from tests.support.visitor import visit

FOLDER = Path(__file__).parents[2] / "docs/screenshots"
PASSWORD = "correct horse"
# The host of PUBLIC_URL, where pages offer passkeys.
URL = "http://localhost:8080"
PROVIDERS = {
    f"PROVIDER_{name}_{key}": "example"
    for name in ("GOOGLE", "MICROSOFT", "GITHUB")
    for key in ("CLIENT_ID", "CLIENT_SECRET")
}
# The host of PUBLIC_URL; browsers have no passkeys at an address of numbers.
URL = "http://localhost:8080"
LOOKS: Mapping[str, Mapping[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1120, "height": 680}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1120, "height": 680}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}, "is_mobile": True},
}
# The name of the picture, and the page.
FOR_ALL = (("start", "/welcome"), ("sign-in", "/sign-in"), ("sign-up", "/sign-up"))
SIGNED_IN = (("account", "/account"), ("devices", "/account#devices"), ("boards", "/boards"))
ADMINISTRATION = (
    ("admin-overview", "/admin"),
    ("admin-people", "/admin/people"),
    ("admin-person", "/admin/people/{shown}"),
    ("admin-roles", "/admin/roles"),
    ("admin-invitations", "/admin/invitations"),
    ("admin-audit", "/admin/audit"),
    ("admin-keys", "/admin/keys"),
)
# Of these the whole page is worth it, and not only what a window shows.
WHOLE = ("admin-overview", "sign-in", "sign-up")
# Devices as people have them, so that the list shows more than this browser.
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
)
THIS_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"


async def take_all() -> None:
    """Take every picture, of a service that is made for it."""
    FOLDER.mkdir(exist_ok=True)
    with gatepost_server(MAIL_URL="file:mail", DB_TIMEOUT_SECONDS="30", **PROVIDERS) as server:
        account = ("--username", "Abbey Salami", "--email", "abbey@example.com", "--password-stdin")
        server.command("create-admin", *account, stdin=f"{PASSWORD}\n")
        _sign_in_elsewhere(server)
        shown = demo.fill(server, administrator="Abbey Salami")
        administration = [(name, path.format(shown=shown)) for name, path in ADMINISTRATION]
        async with chromium(localhost_8080=server.url) as browser:
            for look, options in LOOKS.items():
                await _take(browser, look, [*SIGNED_IN, *administration], options)


async def _take(browser: Browser, look: str, pages: Sequence[tuple[str, str]], options: Mapping[str, Any]) -> None:
    visitor = await visit(browser, URL, user_agent=THIS_AGENT, reduced_motion="reduce", **options)
    await _pictures(visitor.page, look, FOR_ALL)
    await visitor.sign_in("Abbey Salami", PASSWORD)
    await _pictures(visitor.page, look, pages)
    await visitor.leave()


async def _pictures(page: Page, look: str, pages: Sequence[tuple[str, str]]) -> None:
    for name, path in pages:
        await page.goto(URL + path, wait_until="networkidle")
        # The cursor in a field blinks.
        await page.evaluate("document.activeElement.blur()")
        await page.screenshot(path=FOLDER / f"{name}-{look}.png", full_page=name in WHOLE)


def _sign_in_elsewhere(server: GatepostServer) -> None:
    for agent in AGENTS:
        body = {"username": "Abbey Salami", "password": PASSWORD}
        answer = httpx.post(f"{server.url}/api/auth/signin", json=body, headers={"User-Agent": agent}, trust_env=False)
        answer.raise_for_status()


if __name__ == "__main__":
    asyncio.run(take_all())
