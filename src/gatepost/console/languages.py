"""Chooses the language of a page: the one that the person selected, or the best match for the browser."""

from collections.abc import Iterator

from gatepost.mail.languages import SUPPORTED

COOKIE = "gatepost_language"
NAMES = {"en": "English", "de": "Deutsch"}
LONGEST_HEADER = 500


def choose_language(*, asked: str | None, remembered: str | None, accepted: str, default: str) -> str:
    """Return the first supported language: from the URL, the cookie, the browser, or the default.

    `accepted` is an Accept-Language header (RFC 9110, section 12.5.4).
    """
    candidates = (asked, remembered, *_by_preference(accepted[:LONGEST_HEADER]), default)
    return next((candidate for candidate in candidates if candidate in SUPPORTED), SUPPORTED[0])


def _by_preference(header: str) -> Iterator[str]:
    weighted = [_weighted(item) for item in header.split(",")]
    for _, primary in sorted(weighted, key=lambda one: one[0], reverse=True):
        yield primary


def _weighted(item: str) -> tuple[float, str]:
    tag, _, parameter = item.partition(";")
    primary = tag.strip().partition("-")[0].lower()
    try:
        return float(parameter.strip().removeprefix("q=") or 1), primary
    except ValueError:
        return 0.0, primary
