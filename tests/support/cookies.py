"""The cookies of answers, and of requests as a browser would send them."""

from http.cookies import Morsel, SimpleCookie

import httpx

ACCESS, REFRESH = "gatepost_access", "gatepost_refresh"
OUR_PAGE = {"Origin": "http://localhost:8081"}


def cookies_of(answer: httpx.Response) -> dict[str, Morsel[str]]:
    """Return the cookies with tokens that an answer sets; that of the device is for its own tests."""
    jar: SimpleCookie = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        jar.load(header)
    return {name: cookie for name, cookie in jar.items() if "device" not in name}


def cookie_header(answer: httpx.Response) -> dict[str, str]:
    """Return the header by which a browser sends back the cookies of an answer."""
    return {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in cookies_of(answer).items())}


def takes_back(answer: httpx.Response) -> set[str]:
    """Return the names of the cookies that an answer takes back; it must set no others."""
    cookies = cookies_of(answer)
    assert {(cookie.value, cookie["max-age"]) for cookie in cookies.values()} <= {("", "0")}, cookies
    return set(cookies)
