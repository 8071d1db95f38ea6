"""Names, addresses, passwords and tokens of any text: each is accepted or refused, on both databases alike."""

import unicodedata
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL

from gatepost.composition.services import build_services
from tests.conftest import http_client, started
from tests.fuzz.budget import budget, for_a_while
from tests.fuzz.conftest import settings_of
from tests.support.api import PASSWORD, Api
from tests.support.clock import FakeClock
from tests.support.databases import emptied

FIXED = budget(10)
# Of the time of `make fuzz`, for each test on each database.
PART = 0.02
SIGN_UP = "/api/auth/signup"
text = st.text(max_size=80)
# What two people could take for one name.
FOLDED: dict[str, Callable[[str], str]] = {
    "case": str.swapcase,
    "width": lambda name: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name),
    "accent": lambda name: unicodedata.normalize("NFC", name[0] + "\u0301" + name[1:]),
    "decomposed": lambda name: unicodedata.normalize("NFD", name),
    "trailing space": lambda name: name + " ",
    "two spaces": lambda name: name + "  " + name,
    "zero width": lambda name: name[0] + "\u200b" + name[1:],
    "joiner": lambda name: name[0] + "\u200d" + name[1:],
    "look-alike": lambda name: name.translate(str.maketrans("aceopxy", "асеорху")),
    "one look-alike": lambda name: name.replace("a", "а", 1),
    "ligature": lambda name: name.replace("fi", "\ufb01"),
    "dotless": lambda name: name.replace("i", "\u0131"),
    "sharp s": lambda name: name.replace("ss", "ß"),
    "direction": lambda name: name + "\u202e",
    "tag": lambda name: name + "\U000e0061",
}
NAMES = ("abbey", "José", "straße", "fissile", "Ольга", "山田太郎", "İpek")


@FIXED
@given(username=text, email=text | st.emails(), password=text)
@for_a_while(PART)
async def test_any_sign_up_is_made_or_refused(everywhere: Api, username: str, email: str, password: str) -> None:
    body = {"username": username, "email": email, "password": password}

    answer = await everywhere.post(SIGN_UP, json=body)

    assert answer.status_code in (201, 400, 422), answer.text
    if answer.status_code == 201:
        again = await everywhere.post("/api/auth/signin", json={"username": username, "password": password})
        assert again.json()["id"] == answer.json()["id"]
        assert unicodedata.is_normalized("NFC", answer.json()["username"])


@FIXED
@given(username=text, password=text)
@for_a_while(PART)
async def test_any_stranger_is_refused(everywhere: Api, username: str, password: str) -> None:
    answer = await everywhere.post("/api/auth/signin", json={"username": username, "password": password + "!"})

    assert answer.status_code in (400, 401, 422), answer.text


@FIXED
@given(token=st.binary(max_size=200).filter(lambda raw: b"\n" not in raw and b"\r" not in raw and b"\0" not in raw))
@for_a_while(PART)
async def test_any_bytes_are_no_access_token(everywhere: Api, token: bytes) -> None:
    answer = await everywhere.get("/api/test/user", headers=[(b"x-access-token", token)])

    assert answer.status_code == 401, answer.text


@FIXED
@given(token=text)
@for_a_while(PART)
async def test_any_text_is_no_refresh_token_and_no_link(everywhere: Api, token: str) -> None:
    for path, body in (
        ("/api/auth/refreshtoken", {"refreshToken": token}),
        ("/api/auth/email/verify", {"token": token}),
        ("/api/auth/password/reset", {"token": token, "password": PASSWORD}),
    ):
        answer = await everywhere.post(path, json=body)

        assert answer.status_code in (400, 401, 403, 422), f"{path}: {answer.text}"
        assert "accessToken" not in answer.json()
    # Signing out is done where there is nothing to end, too.
    signed_out = await everywhere.post("/api/auth/signout", json={"refreshToken": token})
    assert signed_out.status_code in (204, 400, 422), signed_out.text


@pytest.mark.mysql
@pytest.mark.parametrize("name", NAMES)
async def test_every_spelling_of_a_name_has_one_verdict(sqlite_and_mysql: tuple[Api, Api], name: str) -> None:
    verdicts = []
    for api in sqlite_and_mysql:
        owner = await api.post(
            SIGN_UP, json={"username": name, "email": f"{ord(name[0])}@example.com", "password": PASSWORD}
        )
        assert owner.status_code == 201, owner.text
        verdicts.append(
            {kind: await _verdict(api, kind, spell(name), owner.json()["id"]) for kind, spell in FOLDED.items()}
        )

    assert verdicts[0] == verdicts[1]


async def _verdict(api: Api, kind: str, spelt: str, owner: int) -> str:
    """Return `same` for the owner's name, `another's` or `different` for another name, or the code of the refusal."""
    email = f"{kind.replace(' ', '-')}@example.com"
    answer = await api.post(SIGN_UP, json={"username": spelt, "email": email, "password": PASSWORD})
    sign_in = await api.post("/api/auth/signin", json={"username": spelt, "password": PASSWORD})
    if answer.status_code == 201:
        assert sign_in.json()["id"] == answer.json()["id"] != owner
        return "different"
    if sign_in.status_code == 200:
        assert answer.json()["code"] == "username_taken"
        return "same" if sign_in.json()["id"] == owner else "another's"
    return str(answer.json()["code"])


@pytest.fixture(scope="module")
async def sqlite_and_mysql(
    sqlite_url: URL, mysql_url: URL, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Api, Api]]:
    """Give the service on each of the databases."""
    urls = (sqlite_url, mysql_url)
    made = [build_services(settings_of(url, tmp_path_factory.mktemp("names")), clock=FakeClock()) for url in urls]
    async with (
        started(made[0]) as first, started(made[1]) as second, http_client(first) as one, http_client(second) as other,
    ):  # fmt: skip
        yield Api(one), Api(other)
    for url in urls:
        await emptied(url)
