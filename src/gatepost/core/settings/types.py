"""The types of settings."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from gatepost.core.origins import origin_of, parse_origin

ANY_ORIGIN = "*"
LONGEST_SHOWN = 80

PositiveInt = Annotated[int, Field(ge=1)]
PositiveSeconds = Annotated[float, Field(gt=0)]


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    """Normalise each origin to the form that browsers send; `*` must stand alone."""
    if values == (ANY_ORIGIN,):
        return values
    return tuple(dict.fromkeys(map(_origin, values)))


def _origin(text: str) -> str:
    if text == ANY_ORIGIN:
        raise ValueError("`*` cannot be combined with other origins")
    try:
        return parse_origin(text)
    except ValueError as error:
        # The part before an @ may contain a password.
        shown = "an origin" if "@" in text else f"`{text[:LONGEST_SHOWN].encode('unicode_escape').decode()}`"
        raise ValueError(f"{shown} cannot be used: {error}") from None


def _public_url(text: str) -> str:
    """Refuse ambiguous URLs. The text itself is kept unchanged: it is the `iss` of tokens."""
    origin_of(text)
    if not text.startswith(("http:", "https:")):
        raise ValueError("its scheme is not in lower case")
    if "?" in text or "#" in text:
        raise ValueError("it has a query or a fragment")
    if "//" in text.partition("://")[2]:
        raise ValueError("it has an empty part between slashes")
    return text


Origins = Annotated[CommaSeparated, AfterValidator(_origins)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
