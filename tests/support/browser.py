"""A real browser, and what it asked for and complained about."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Error, Page, Request, async_playwright

from tests.support.missing import lacking

REASON = "no Chromium: install one of {} on the PATH, or set CHROMIUM to its program"
# The headless shell is the same engine without windows, and takes half as long.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Chromium takes only the last list, so the first four lines repeat Playwright's. The others cost each visitor processes
# that no test looks at: two pages behind the address bar, and one that waits for the next site.
UNUSED = (
    "AvoidCorsURLLoaderRestartOnRedirect,AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable,HttpsUpgrades,NetworkTimeServiceQuerying,OptimizationHints,PaintHolding",
    "AimEnabled,LensOverlay,MediaRouter,PreconnectToSearch,TcpPortRandomizationWin,ThirdPartyStoragePartitioning",
    "msEdgeUpdateLaunchServicesPreferredVersion,msForceBrowserSignIn",
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup",
    "SpareRendererForSitePerProcess",
)
ARGUMENTS = (
    f"--disable-features={','.join(UNUSED)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@asynccontextmanager
async def chromium(*, keeps_pages: bool = False, **addresses: str) -> AsyncIterator[Browser]:
    """Run Chromium; skip where there is none, or fail where CI says there must be.

    With `keeps_pages`, "Back" brings pages out of its memory, as for people; Playwright turns that off.

    `localhost_8080="http://127.0.0.1:41234"` makes http://localhost:8080 lead there, so that pages keep the
    addresses they are published with while tests use free ports.
    """
    rules = ", ".join(f"MAP {name.replace('_', ':')} {urlsplit(address).netloc}" for name, address in addresses.items())
    program = _program()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            args=[*ARGUMENTS, *([f"--host-resolver-rules={rules}"] if rules else [])],
            ignore_default_args=["--disable-back-forward-cache"] if keeps_pages else None,
        )
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Watch:
    """What a page did: the addresses it asked for, and its errors."""

    urls: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def hosts(self) -> set[str]:
        """The hosts that were asked, without those addresses that a browser answers by itself."""
        return {urlsplit(url).netloc for url in self.urls if urlsplit(url).scheme not in ("data", "blob")}


def watch(page: Page) -> Watch:
    """Note from now on what a page does."""
    seen = Watch()

    def ask(request: Request) -> None:
        seen.urls.append(request.url)

    def say(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            seen.errors.append(message.text)

    def fail(error: Error) -> None:
        seen.errors.append(str(error))

    page.on("request", ask)
    page.on("console", say)
    page.on("pageerror", fail)
    return seen


def _program() -> str:
    named = os.environ.get("CHROMIUM")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        lacking(REASON.format(", ".join(NAMES)))
    return found
