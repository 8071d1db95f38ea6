"""Bodies that parsers disagree about, or that are too much: a 4xx each, and never a 5xx."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api import PASSWORD, Api, Person, assert_problem

SIGN_IN, SIGN_UP, REFRESH = "/api/auth/signin", "/api/auth/signup", "/api/auth/refreshtoken"
ROUTES = (SIGN_IN, SIGN_UP, REFRESH)
JSON = {"Content-Type": "application/json"}
GOOD = json.dumps({"username": "Abbey Salami", "password": PASSWORD})
CHUNK = b" " * 65536


@pytest.fixture
def api(module_api: Api) -> Api:
    """Return one API for all: what is refused changes nothing."""
    return module_api


@pytest.fixture(scope="module")
async def somebody(module_api: Api) -> Person:
    """Return the one account that there is."""
    return await module_api.sign_up()


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"{'username': 'x'}", id="single quotes"),
        pytest.param(b'{"username": "x",}', id="trailing comma"),
        pytest.param(b'{"password": "x"} {}', id="two texts"),
        pytest.param(b'{"password": "x"} // note', id="comment"),
        pytest.param(b"username=x", id="form called JSON"),
        pytest.param(b'{"password": NaN}', id="NaN"),
        pytest.param(b'{"password": Infinity}', id="Infinity"),
        pytest.param(b'{"password": -Infinity}', id="-Infinity"),
        pytest.param(b'{"password": 1e999}', id="1e999"),
        pytest.param(b'{"password": ' + b"1" * 5000 + b"}", id="endless number"),
        pytest.param(b'{"password": "\\ud800"}', id="lone surrogate, escaped"),
        pytest.param(b'{"\\udfff": 1}', id="lone surrogate in a name"),
        pytest.param(b'{"password": "\xed\xa0\x80"}', id="lone surrogate, in bytes"),
        pytest.param(b'{"password": "\\u0000"}', id="NUL, escaped"),
        pytest.param(b'{"password": "\x00"}', id="NUL, in bytes"),
        pytest.param(b'{"password": "a", "password": "b"}', id="named twice"),
        pytest.param(b'{"x": {"a": 1, "\\u0061": 2}}', id="named twice, one escaped, inside"),
        pytest.param(b"\xef\xbb\xbf" + GOOD.encode(), id="byte order mark"),
        pytest.param(GOOD.encode("utf-16"), id="UTF-16"),
        pytest.param(GOOD.encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(GOOD.encode("utf-32"), id="UTF-32"),
        pytest.param(b'{"username": "J\xf6rg"}', id="Latin-1"),
        pytest.param(b'{"password": "\xff"}', id="bytes that are no text"),
        pytest.param(b'{"password": "\xc0\xaf"}', id="overlong UTF-8"),
        pytest.param(b"[" * 33 + b"]" * 33, id="nested"),
        pytest.param(b"[" * 30000 + b"]" * 30000, id="nested deeply"),
        pytest.param(b'{"a":' * 10000, id="nested deeply and cut off"),
    ],
)
async def test_json_that_is_not_strict_is_malformed(api: Api, path: str, body: bytes) -> None:
    answer = await api.post(path, content=body, headers=JSON)

    assert_problem(answer, 400, "malformed_body")


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "nonsense"])
async def test_charset_of_the_media_type_changes_nothing(api: Api, charset: str) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}

    assert_problem(await api.post(SIGN_IN, content=GOOD.encode("utf-16"), headers=headers), 400, "malformed_body")
    assert_problem(await api.post(SIGN_IN, content=GOOD.encode(), headers=headers), 401, "invalid_credentials")


@pytest.mark.parametrize(
    "value", [1, 1.5, True, None, [], {}, 10**30, -1, [[]], {"$gt": ""}], ids=lambda value: json.dumps(value)
)
@pytest.mark.parametrize("field", ["username", "password"])
async def test_value_of_another_type_is_not_converted(api: Api, field: str, value: Any) -> None:
    body = {"username": "Abbey Salami", "password": PASSWORD, field: value}

    assert_problem(await api.post(SIGN_IN, json=body), 422, "validation_failed")


@pytest.mark.parametrize("path", [SIGN_IN, SIGN_UP])
@pytest.mark.parametrize("headers", [{}, JSON])
async def test_empty_body_lacks_everything(api: Api, path: str, headers: dict[str, str]) -> None:
    assert_problem(await api.post(path, headers=headers), 422, "validation_failed")


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "media_type",
    [
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "nonsense",
        "",
    ],
)
async def test_another_media_type_is_refused(api: Api, path: str, media_type: str) -> None:
    answer = await api.post(path, content=GOOD.encode(), headers={"Content-Type": media_type})

    assert_problem(answer, 415, "unsupported_media_type")


async def test_form_to_a_json_route_is_refused(api: Api) -> None:
    answer = await api.post(SIGN_IN, data={"username": "Abbey Salami", "password": PASSWORD})

    assert_problem(answer, 415, "unsupported_media_type")


class Endless:
    """A body of 100 MiB that counts how much of it was asked for."""

    def __init__(self) -> None:
        self.chunks_read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.chunks_read < 1600:
            self.chunks_read += 1
            yield CHUNK


@pytest.mark.parametrize("path", [*ROUTES, "/api/auth/token", "/nothing"])
async def test_announced_100_mib_are_refused_unread(api: Api, path: str) -> None:
    body = Endless()

    answer = await api.post(path, content=body, headers={**JSON, "Content-Length": str(100 * 2**20)})

    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"
    assert answer.headers["connection"] == "close"
    assert body.chunks_read == 0


@pytest.mark.parametrize("path", [*ROUTES, "/api/auth/token", "/nothing"])
async def test_100_mib_in_chunks_are_refused_once_they_are_too_much(api: Api, path: str) -> None:
    body = Endless()

    answer = await api.post(path, content=body, headers=JSON)

    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"
    assert body.chunks_read == 2


@pytest.mark.parametrize("announced", ["-1", "x", "1.5", "0x10", "\u00b2", "9" * 5000, "1, 2"])
async def test_length_that_is_none_is_refused(api: Api, announced: str) -> None:
    headers = {b"Content-Type": b"application/json", b"Content-Length": announced.encode()}

    answer = await api.post(SIGN_IN, content=GOOD.encode(), headers=headers)

    assert_problem(answer, 400, "malformed_body")


async def test_greatest_body_is_still_read(api: Api, somebody: Person) -> None:
    padded = GOOD.encode() + b" " * (65536 - len(GOOD))

    assert (await api.post(SIGN_IN, content=padded, headers=JSON)).status_code == 200
    assert_problem(await api.post(SIGN_IN, content=padded + b" ", headers=JSON), 413, "body_too_large")


@pytest.mark.parametrize("media_type", ["APPLICATION/JSON", "application/json;charset=UTF-8", "application/ld+json"])
async def test_every_name_of_json_is_understood(api: Api, somebody: Person, media_type: str) -> None:
    answer = await api.post(SIGN_IN, content=GOOD.encode(), headers={"Content-Type": media_type})

    assert answer.status_code == 200


async def test_many_form_fields_do_no_harm(api: Api) -> None:
    form = "&".join(f"field{number}=x" for number in range(4000))

    answer = await api.post(
        "/api/auth/token", content=form, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
