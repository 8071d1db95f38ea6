"""Somebody in front of a browser: a page with cookies of its own, watched all the time."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.support.browser import Watch, watch

# What a browser writes into its console when the API refuses: the tests that provoke it say so.
REFUSAL = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
SERIOUS = ("serious", "critical")
# What moves or fades has its colours only at the end. The sign that something is loading never ends.
SETTLED = """() => Promise.allSettled(document.getAnimations()
  .filter((one) => one.playState === "running" && one.effect.getComputedTiming().endTime !== Infinity)
  .map((one) => one.finished))"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Visitor:
    """A page on the service at `url`, in a browser context of its own."""

    page: Page
    url: str
    seen: Watch

    async def goto(self, path: str) -> None:
        """Open an address of the service."""
        await self.page.goto(self.url + path)

    async def sign_in(self, username: str, password: str) -> None:
        """Sign in by the page, and arrive at the account."""
        await self.goto("/sign-in")
        await self.page.locator("#sign-in [name=username]").fill(username)
        await self.page.locator("#sign-in [name=password]").fill(password)
        await self.page.locator("#sign-in [name=password]").press("Enter")
        await expect(self.page).to_have_url(f"{self.url}/account")

    def refusals(self) -> list[str]:
        """Return and forget the error statuses of the API so far; any that are left at the end fail the test."""
        refused = [found[1] for error in self.seen.errors if (found := REFUSAL.match(error))]
        self.seen.errors[:] = [error for error in self.seen.errors if not REFUSAL.match(error)]
        return refused

    async def fits(self) -> bool:
        """Whether the page is no wider than the window."""
        # A phone makes its window as wide as the page.
        size = self.page.viewport_size
        return size is not None and await self.page.evaluate("document.documentElement.scrollWidth") <= size["width"]

    async def findings(self) -> list[str]:
        """Return the accessibility faults that axe-core finds: rule and elements."""
        await self.page.evaluate(SETTLED)
        options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
        results = await Axe().run(self.page, options=options)
        violations: list[dict[str, Any]] = results.response["violations"]
        return [
            f"{found['id']}: {[node['html'] for node in found['nodes']]}"
            for found in violations
            if found["impact"] in SERIOUS
        ]

    async def leave(self) -> None:
        """Close the page, after a check that it asked no other host and had no errors.

        Raises:
            AssertionError: it asked one, or had some.
        """
        await self.page.context.close()
        assert self.seen.errors == []
        assert self.seen.hosts <= {urlsplit(self.url).netloc}


async def visit(browser: Browser, url: str, **options: Any) -> Visitor:
    """Open an empty page; `options` are Playwright's for a context: `color_scheme`, `locale`, `viewport`."""
    context = await browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options})
    page = await context.new_page()
    return Visitor(page, url, watch(page))
