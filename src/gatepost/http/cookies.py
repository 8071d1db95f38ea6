"""Reads the cookies of a request exactly as the browser sent them."""

from fastapi import Request

# Only the white space of HTTP (RFC 9110, section 5.6.3).
WHITE_SPACE = " \t"


def cookie_values(request: Request, name: str) -> list[str]:
    """Return the values of all cookies with this name (RFC 6265, section 4.2).

    There are several if a host that may set cookies for a parent domain has added one. Characters that a browser does
    not treat as white space belong to the name: stripping them would let a cookie bypass the rules of `__Host-`.
    """
    pairs = (pair.partition("=") for header in request.headers.getlist("cookie") for pair in header.split(";"))
    return [value.strip(WHITE_SPACE) for key, _, value in pairs if key.strip(WHITE_SPACE) == name]
