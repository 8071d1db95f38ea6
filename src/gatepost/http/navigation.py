"""Whether a person reads the answer: a browser that opens an address or sends a form, and no program."""

from collections.abc import Iterator, Mapping

LONGEST_ACCEPT = 1000
PAGE = "text/html"
DATA = ("application/json", "application/problem+json")
# What the answer depends on besides the address.
VARY = "Accept, Sec-Fetch-Mode"


def is_navigation(headers: Mapping[str, str]) -> bool:
    """Whether a browser navigates; the names of the headers are in small letters, or in any with Starlette's.

    Browsers say so in `Sec-Fetch-Mode` (Fetch Metadata) at https and localhost, and elsewhere by what they accept:
    a page rather than JSON (RFC 9110, section 12.5.1). Java's HttpURLConnection names a page first for whoever has
    chosen nothing; the `*` in its list is no media range.
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
