"""The devices that are signed in."""

from datetime import datetime, timedelta

import pytest

from gatepost.composition.services import Services
from gatepost.identity.sessions.devices import PROGRAMS, SYSTEMS
from tests.support.api import PASSWORD, Api, assert_problem, bearer
from tests.support.clock import FakeClock

FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def sign_in_with(api: Api, user_agent: str) -> str:
    """Sign in with a device; return its access token."""
    answer = await api.post(
        "/api/auth/signin",
        json={"username": "Abbey Salami", "password": PASSWORD},
        headers={"User-Agent": user_agent},
    )
    token: str = answer.json()["accessToken"]
    return token


async def test_devices_are_listed_the_last_used_first(api: Api, services: Services, clock: FakeClock) -> None:
    first = await api.sign_up()
    signed_up_at = clock.now()
    clock.advance(minutes=5)
    access_token = await sign_in_with(api, FIREFOX)
    await services.identity.revocations.poll()

    answer = await api.get("/api/auth/sessions", headers=bearer(access_token))

    assert answer.status_code == 200
    newest, oldest = answer.json()
    assert newest.keys() == {
        "id", "isCurrent", "device", "userAgent", "address", "createdAt", "lastUsedAt", "expiresAt",
    }  # fmt: skip
    assert (newest["isCurrent"], oldest["isCurrent"]) == (True, False)
    assert (newest["device"], newest["userAgent"]) == ("Firefox on Ubuntu", FIREFOX)
    assert newest["address"] == "203.0.113.7"
    assert datetime.fromisoformat(oldest["createdAt"]) == signed_up_at
    assert datetime.fromisoformat(oldest["expiresAt"]) == signed_up_at + timedelta(days=30)
    await api.refresh(first.refresh_token)
    clock.advance(seconds=1)
    await api.refresh(first.refresh_token)
    listed = (await api.get("/api/auth/sessions", headers=bearer(access_token))).json()
    assert [device["id"] for device in listed] == [newest["id"], oldest["id"]]


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("", "Unknown device"),
        ("\x07\x1b[31m", "Unknown device"),
        ("curl/8.5.0", "curl"),
        ("x" * 5000, "Unknown device"),
        ("SomeApp/1.0 (Windows NT 10.0)", "SomeApp on Windows"),
    ],
)
async def test_odd_devices_are_listed_too(api: Api, user_agent: str, device: str) -> None:
    await api.sign_up()
    access_token = await sign_in_with(api, user_agent)

    listed = (await api.get("/api/auth/sessions", headers=bearer(access_token))).json()

    current = next(item for item in listed if item["isCurrent"])
    assert current["device"] == device
    assert current["userAgent"].isprintable()
    assert len(current["userAgent"]) <= 255


def test_what_stands_between_program_and_system_is_in_no_name() -> None:
    # Pages and mails in other languages put their own word there.
    assert [name for name in (*PROGRAMS.values(), *SYSTEMS.values()) if " on " in name] == []


async def test_sessions_that_ended_or_expired_are_not_listed(api: Api, services: Services, clock: FakeClock) -> None:
    gone = await api.sign_up()
    await api.post("/api/auth/signout", headers=gone.headers)
    await api.sign_in()
    clock.advance(days=30)
    await services.identity.revocations.poll()
    here = await api.sign_in()

    listed = (await api.get("/api/auth/sessions", headers=here.headers)).json()

    assert [device["isCurrent"] for device in listed] == [True]


async def test_one_device_is_ended_and_no_other(api: Api) -> None:
    here = await api.sign_up()
    phone = await api.sign_in()
    listed = (await api.get("/api/auth/sessions", headers=here.headers)).json()
    phone_id = next(device["id"] for device in listed if not device["isCurrent"])

    answer = await api.delete(f"/api/auth/sessions/{phone_id}", headers=here.headers)

    assert (answer.status_code, answer.content) == (204, b"")
    assert_problem(await api.user_board(phone.access_token), 401, "token_revoked")
    assert_problem(await api.refresh(phone.refresh_token), 403, "refresh_token_invalid")
    assert (await api.user_board(here.access_token)).status_code == 200
    again = await api.delete(f"/api/auth/sessions/{phone_id}", headers=here.headers)
    assert_problem(again, 404, "session_not_found")


async def test_nobody_ends_or_sees_the_session_of_another(api: Api) -> None:
    mine, theirs = await api.sign_up("Abbey"), await api.sign_up("Heba")
    [their_session] = (await api.get("/api/auth/sessions", headers=theirs.headers)).json()

    answer = await api.delete(f"/api/auth/sessions/{their_session['id']}", headers=mine.headers)

    assert_problem(answer, 404, "session_not_found")
    assert (await api.user_board(theirs.access_token)).status_code == 200
    [my_session] = (await api.get("/api/auth/sessions", headers=mine.headers)).json()
    assert my_session["id"] != their_session["id"]


@pytest.mark.parametrize("session_id", ["0", "-1", "x", "1.5", "9223372036854775808", "%00"])
async def test_id_that_is_none_is_refused(api: Api, session_id: str) -> None:
    person = await api.sign_up()

    answer = await api.delete(f"/api/auth/sessions/{session_id}", headers=person.headers)

    assert_problem(answer, 422, "validation_failed")


async def test_greatest_id_is_just_unknown(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.delete("/api/auth/sessions/9007199254740991", headers=person.headers)

    assert_problem(answer, 404, "session_not_found")


async def test_devices_need_an_access_token(api: Api) -> None:
    assert_problem(await api.get("/api/auth/sessions"), 401, "token_missing")
    assert_problem(await api.delete("/api/auth/sessions/1"), 401, "token_missing")
