"""Detects whether a person will read the answer: a browser opens a URL or submits a form, rather than a program."""

from collections.abc import Iterator, Mapping

LONGEST_ACCEPT = 1000
PAGE = "text/html"
DATA = ("application/json", "application/problem+json")
# The headers that the answer depends on.
VARY = "Accept, Sec-Fetch-Mode"


def is_navigation(headers: Mapping[str, str]) -> bool:
    """Whether a browser navigates. The headers' names are in lower case, unless they are Starlette's `Headers`.

    Browsers send `Sec-Fetch-Mode` (Fetch Metadata) over https and to localhost. Otherwise `Accept` decides: it must
    prefer a page to JSON (RFC 9110, section 12.5.1). By default Java's HttpURLConnection also lists a page first; it is
    recognised by a `*` in its list, which is not a media range.
    """
    if headers.get("sec-fetch-mode", "navigate") != "navigate":
        return False
    weights = dict(_weighted(headers.get("accept", "")[:LONGEST_ACCEPT]))
    page = weights.get(PAGE, 0.0)
    return "*" not in weights and page > max(weights.get(kind, 0.0) for kind in DATA)


def _weighted(accept: str) -> Iterator[tuple[str, float]]:
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            yield name, float(weight)
        except ValueError:
            yield name, 0.0
