"""The cookies of a request, as the browser sent them."""

from fastapi import Request

# Of HTTP, and no other (RFC 9110, section 5.6.3).
WHITE_SPACE = " \t"


def cookie_values(request: Request, name: str) -> list[str]:
    """Return the value of every cookie of this name (RFC 6265, section 4.2).

    There are several where somebody who may set cookies for a part of this host's name has added one. What a browser
    does not take for white space is a part of the name: it would else bring a name past the rules of `__Host-`.
    """
    pairs = (pair.partition("=") for header in request.headers.getlist("cookie") for pair in header.split(";"))
    return [value.strip(WHITE_SPACE) for key, _, value in pairs if key.strip(WHITE_SPACE) == name]
