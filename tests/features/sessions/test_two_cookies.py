"""A second cookie of one of our names, as another host of the same domain can plant it."""

import pytest

from gatepost.core.db.database import Database
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, assert_problem
from tests.support.cookies import ACCESS, OUR_PAGE, REFRESH, cookies_of, takes_back
from tests.support.workers import session_id

DEVICE = "gatepost_device"
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HEADERS = [
    pytest.param(lambda first, second: [("Cookie", f"{first}; {second}")], id="in one header"),
    pytest.param(lambda first, second: [("Cookie", f"{first};\t{second}")], id="after a tab"),
    pytest.param(lambda first, second: [("Cookie", f"a=b; {first};; {second}; c")], id="among others"),
]


@ONE_DATABASE
@pytest.mark.parametrize("make_headers", HEADERS)
@pytest.mark.parametrize("order", [1, -1])
async def test_refresh_uses_neither(api: Api, make_headers: object, order: int) -> None:
    victim, stranger = await api.sign_up("Victim"), await api.sign_up("Stranger")
    pairs = [f"{REFRESH}={person.refresh_token}" for person in (victim, stranger)][::order]
    assert callable(make_headers)

    answer = await api.post("/api/auth/refreshtoken", headers=[*make_headers(*pairs), *OUR_PAGE.items()])

    assert_problem(answer, 403, "ambiguous_cookie")
    # The one that stays would be the stranger's.
    assert takes_back(answer) == set()
    for person in (victim, stranger):
        assert (await api.refresh(person.refresh_token)).status_code == 200


@ONE_DATABASE
async def test_two_headers_with_cookies_are_refused(api: Api) -> None:
    victim, stranger = await api.sign_up("Victim"), await api.sign_up("Stranger")
    cookies = [("Cookie", f"{REFRESH}={person.refresh_token}") for person in (victim, stranger)]

    answer = await api.post("/api/auth/refreshtoken", headers=[*cookies, *OUR_PAGE.items()])

    assert_problem(answer, 400, "repeated_parameter")
    for person in (victim, stranger):
        assert (await api.refresh(person.refresh_token)).status_code == 200


@ONE_DATABASE
@pytest.mark.parametrize("make_headers", HEADERS)
@pytest.mark.parametrize("order", [1, -1])
async def test_protected_route_uses_neither(api: Api, make_headers: object, order: int) -> None:
    victim, stranger = await api.sign_up("Victim"), await api.sign_up("Stranger")
    pairs = [f"{ACCESS}={person.access_token}" for person in (victim, stranger)][::order]
    assert callable(make_headers)

    answer = await api.get("/api/users/me", headers=make_headers(*pairs))

    # No 401: clients would refresh, and come back with the same two.
    assert_problem(answer, 403, "ambiguous_cookie")
    header = [*make_headers(*pairs), *victim.headers.items()]
    assert (await api.get("/api/users/me", headers=header)).json()["username"] == "Victim"


async def test_device_of_two_is_unknown(api: Api) -> None:
    person = await api.sign_up()
    credentials = {"username": person.username, "password": PASSWORD}
    devices = []
    for _ in range(2):
        answer = await api.post("/api/auth/signin", json=credentials)
        (cookie,) = [text for text in answer.headers.get_list("set-cookie") if text.startswith(DEVICE)]
        devices.append(cookie.partition(";")[0])

    both = await api.post("/api/auth/signin", json=credentials, headers={"Cookie": "; ".join(devices)})

    # A device that is known keeps its name.
    (cookie,) = [text for text in both.headers.get_list("set-cookie") if text.startswith(DEVICE)]
    assert cookie.partition(".")[0] not in [device.partition(".")[0] for device in devices]
    one = await api.post("/api/auth/signin", json=credentials, headers={"Cookie": devices[0]})
    (cookie,) = [text for text in one.headers.get_list("set-cookie") if text.startswith(DEVICE)]
    assert cookie.partition(".")[0] == devices[0].partition(".")[0]


async def test_sign_in_passes_with_two_and_ends_both(api: Api, database: Database) -> None:
    victim, stranger = await api.sign_up("Victim"), await api.sign_up("Stranger")
    planted = f"{REFRESH}={stranger.refresh_token}; {REFRESH}={victim.refresh_token}"

    answer = await api.post(
        "/api/auth/signin",
        json={"username": "Victim", "password": PASSWORD},
        headers={"Cookie": planted, **OUR_PAGE},
    )

    assert answer.json()["username"] == "Victim"
    assert cookies_of(answer).keys() == {ACCESS, REFRESH}
    async with database.read() as tx:
        for person in (victim, stranger):
            assert (await tx.get_one(Session, session_id(person.access_token))).end_reason == "replaced"


@ONE_DATABASE
@pytest.mark.parametrize("space", [b"\xa0", b"\x85", b"\x0b", b"\x0c", b"\x1c", b"\xe2\x80\x80"], ids=repr)
async def test_name_with_other_white_space_is_another_name(make_services: MakeServices, space: bytes) -> None:
    """Browsers hold `__Host-` only for names that begin with it; what stands before must not be cut off here."""
    async with started(make_services(environment="production")) as app, http_client(app) as client:
        person = await Api(client).sign_up(password="a long pass phrase")
        name = f"__Host-{ACCESS}=".encode()
        planted = [(b"Cookie", space + name + person.access_token.encode())]

        assert_problem(await client.get("/api/users/me", headers=planted), 401, "token_missing")
        own = [(b"Cookie", b"a=b; " + name + person.access_token.encode())]
        assert (await client.get("/api/users/me", headers=own)).status_code == 200
