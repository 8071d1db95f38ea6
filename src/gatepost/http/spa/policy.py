"""The scripts that the page of a single-page app may run: its own files and those that its build put into the page."""

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from html.parser import HTMLParser


@lru_cache(maxsize=8)
def policy_for(page: bytes, *, script_sources: tuple[str, ...]) -> str:
    """Return a Content-Security-Policy under which the page works as it was built (CSP Level 3).

    Inline scripts and event handlers are allowed by their hashes, so that injected ones are blocked. Styles, images,
    fonts and requests to other hosts are not restricted: the app decides about them.
    """
    inline = _Inline()
    inline.feed(page.decode("utf-8", errors="replace").replace("\r\n", "\n"))
    inline.close()
    allowed = ["'self'", "'wasm-unsafe-eval'", *script_sources, *map(_hash, inline.scripts)]
    if inline.handlers:
        allowed += ["'unsafe-hashes'", *map(_hash, inline.handlers)]
    return (
        f"script-src {' '.join(dict.fromkeys(allowed))}; worker-src 'self' blob:; object-src 'none'; "
        "base-uri 'self'; frame-ancestors 'self'"
    )


class _Inline(HTMLParser):
    """Collects the inline scripts and event handlers of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self._is_in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the handlers of an element, and note where a script begins."""
        self.handlers += [value for name, value in attrs if name.startswith("on") and value]
        self._is_in_script = tag == "script" and "src" not in dict(attrs)
        if self._is_in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        """Note where a script ends."""
        self._is_in_script = False

    def handle_data(self, data: str) -> None:
        """Collect the text of a script."""
        if self._is_in_script:
            self.scripts[-1] += data


def _hash(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
