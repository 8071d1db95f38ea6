"""Guessing passwords: who is made to wait, for how long, and who is not."""

import asyncio
from collections import Counter

import httpx
import pytest
from sqlalchemy import func, select, update

from gatepost.audit.log import AuditEvent
from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.throttling.models import GuessCounter
from tests.conftest import SECRET, MakeServices, http_client, started
from tests.features.throttling.conftest import MakeApi
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock

STRANGER = "198.51.100.1"
FREE = 5


async def guess(api: Api, name: str, password: str = "wrong horse", **headers: str) -> httpx.Response:
    return await api.post("/api/auth/signin", json={"username": name, "password": password}, headers=headers)


async def exhaust(api: Api, name: str, **headers: str) -> None:
    for _ in range(FREE):
        assert_problem(await guess(api, name, **headers), 401, "invalid_credentials")


def device_of(answer: httpx.Response) -> dict[str, str]:
    """Return the header by which a browser sends its device cookie back."""
    (cookie,) = [text for text in answer.headers.get_list("set-cookie") if "gatepost_device=" in text]
    return {"Cookie": cookie.partition(";")[0]}


@pytest.fixture
async def owner(api: Api) -> Person:
    return await api.sign_up("Abbey Salami")


@pytest.mark.both_databases
@pytest.mark.parametrize("name", ["Abbey Salami", "ABBEY.salami@example.com", "Nobody", "two  spaces"])
async def test_waits_begin_after_five_wrong_passwords_double_and_end(
    api_from: MakeApi, owner: Person, clock: FakeClock, name: str
) -> None:
    stranger = api_from(STRANGER)
    await exhaust(stranger, name)

    for wait in (5, 10, 20):
        refused = await guess(stranger, name)
        body = assert_problem(refused, 429, "too_many_attempts")
        assert body["message"] == "Too many attempts. Please try again later."
        assert refused.headers["retry-after"] == str(wait)
        clock.advance(seconds=wait - 1)
        assert (await guess(stranger, name)).headers["retry-after"] == "1"
        clock.advance(seconds=1)
        assert_problem(await guess(stranger, name), 401, "invalid_credentials")
    for _ in range(6):
        clock.advance(minutes=15)
        assert_problem(await guess(stranger, name), 401, "invalid_credentials")
    assert (await guess(stranger, name)).headers["retry-after"] == "900"


async def test_wait_hides_whether_the_password_is_right(api_from: MakeApi, owner: Person, clock: FakeClock) -> None:
    stranger = api_from(STRANGER)
    await exhaust(stranger, owner.username)

    right, wrong = await guess(stranger, owner.username, PASSWORD), await guess(stranger, owner.username)
    assert {**right.json(), "requestId": ""} == {**wrong.json(), "requestId": ""}
    by_oauth = await stranger.post(
        "/api/auth/token", data={"grant_type": "password", "username": owner.username, "password": PASSWORD}
    )
    assert (by_oauth.status_code, by_oauth.json()["code"]) == (429, "too_many_attempts")
    clock.advance(seconds=5)
    assert (await guess(stranger, owner.username, PASSWORD)).status_code == 200


async def test_right_password_clears_what_was_wrong(
    api_from: MakeApi, owner: Person, database: Database, services: Services
) -> None:
    stranger = api_from(STRANGER)
    for _ in range(3):
        for _ in range(FREE - 1):
            assert_problem(await guess(stranger, owner.username), 401, "invalid_credentials")
        assert (await guess(stranger, owner.username, PASSWORD)).status_code == 200
    # What is left is the counter of the address, which an account of one's own does not clear.
    async with database.read() as tx:
        (counter,) = (await tx.scalars(select(GuessCounter))).all()
    assert counter.failures == 3 * (FREE - 1)


@pytest.mark.both_databases
async def test_guesses_from_one_address_over_many_accounts_get_a_hundred_answers(
    api: Api, api_from: MakeApi, owner: Person, database: Database, clock: FakeClock
) -> None:
    stranger = api_from(STRANGER)
    statuses: Counter[int] = Counter()
    for first in range(0, 160, 20):
        answers = await asyncio.gather(*(guess(stranger, f"victim {first + index}") for index in range(20)))
        statuses.update(answer.status_code for answer in answers)

    assert statuses == {401: 100, 429: 60}
    await stranger.post("/api/auth/signup", json={"username": "x", "email": "x@example.com", "password": PASSWORD})
    assert_problem(await guess(stranger, "x y"), 429, "too_many_attempts")
    # Others are not concerned, and the address is not for ever.
    assert (await guess(api, owner.username, PASSWORD)).status_code == 200
    assert_problem(await guess(api_from("198.51.100.2"), "victim 1"), 401, "invalid_credentials")
    clock.advance(hours=1)
    assert_problem(await guess(stranger, "x y"), 401, "invalid_credentials")
    async with database.read() as tx:
        entry = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == AuditEvent.GUESSING_THROTTLED))).one()
    assert entry.details == {"by": "address", "failures": 100, "seconds": 5}


async def test_many_addresses_on_one_account_do_not_keep_its_owner_out(
    api: Api, api_from: MakeApi, database: Database
) -> None:
    signed_up = await api.post(
        "/api/auth/signup", json={"username": "Abbey", "email": "a@example.com", "password": PASSWORD}
    )
    device = device_of(await guess(api, "Abbey", PASSWORD))
    statuses: Counter[int] = Counter()
    for index in range(60):
        statuses[(await guess(api_from(f"198.51.100.{index}"), "Abbey")).status_code] += 1
    assert statuses == {401: FREE, 429: 60 - FREE}

    cafe = api_from("192.0.2.200")
    assert_problem(await guess(cafe, "Abbey", PASSWORD), 429, "too_many_attempts")
    for _ in range(2):
        assert_problem(await guess(cafe, "Abbey", **device), 401, "invalid_credentials")
        assert (await guess(cafe, "a@example.com", PASSWORD, **device)).status_code == 200
    refresh = {"Cookie": f"gatepost_refresh={signed_up.json()['refreshToken']}"}
    assert (await guess(cafe, "Abbey", PASSWORD, **refresh)).status_code == 200
    # Where the account is at home, no cookie is needed.
    assert (await guess(api, "Abbey", PASSWORD)).status_code == 200
    async with database.read() as tx:
        entries = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == AuditEvent.GUESSING_THROTTLED))).all()
    assert [(entry.details, entry.user_id) for entry in entries] == [
        ({"by": "account", "failures": FREE, "seconds": 5}, signed_up.json()["id"])
    ]


async def test_device_that_guesses_is_stopped_by_itself(api: Api, api_from: MakeApi, owner: Person) -> None:
    thief, elsewhere = api_from("192.0.2.1"), api_from("192.0.2.2")
    device = device_of(await guess(api, owner.username, PASSWORD))
    other_device = device_of(await guess(api, owner.username, PASSWORD))
    await exhaust(thief, owner.username, **device)

    assert_problem(await guess(elsewhere, owner.username, PASSWORD, **device), 429, "too_many_attempts")
    assert (await guess(elsewhere, owner.username, PASSWORD, **other_device)).status_code == 200
    assert (await guess(elsewhere, owner.username, PASSWORD)).status_code == 200


async def test_right_password_of_another_account_does_not_clear_a_shared_device(api: Api, owner: Person) -> None:
    await api.sign_up("thief")
    device = device_of(await guess(api, owner.username, PASSWORD))
    device = device_of(await guess(api, "thief", PASSWORD, **device))
    for _ in range(FREE):
        assert_problem(await guess(api, owner.username, **device), 401, "invalid_credentials")
        assert (await guess(api, "thief", PASSWORD, **device)).status_code == 200

    assert_problem(await guess(api, owner.username, **device), 429, "too_many_attempts")


async def test_device_cookie_is_good_for_its_accounts_alone_and_not_forged(
    api: Api, api_from: MakeApi, owner: Person, services: Services
) -> None:
    stranger = api_from(STRANGER)
    await api.sign_up("m")
    own = device_of(await guess(api, "m", PASSWORD))
    name, token = own["Cookie"].split("=", 1)
    nonce, _, mac = token.removeprefix("gpd_").split(".")
    forged = {"Cookie": f"{name}=gpd_{nonce}.{owner.id}.{mac}"}
    await exhaust(stranger, owner.username)

    for cookie in (own, forged, {"Cookie": f"{name}={token}x"}, {"Cookie": f"{name}=gpd_..é"}):
        raw = [(b"Cookie", cookie["Cookie"].encode())]
        body = {"username": owner.username, "password": PASSWORD}
        answer = await api_from("192.0.2.7").post("/api/auth/signin", json=body, headers=raw)
        assert_problem(answer, 429, "too_many_attempts")
    # The same browser used by both is known to both.
    shared = device_of(await guess(api, owner.username, PASSWORD, **own))
    for name in (owner.username, "m"):
        assert (await guess(stranger, name, PASSWORD, **shared)).status_code == 200


async def test_app_without_cookies_keeps_its_device_token_from_a_header(
    api: Api, api_from: MakeApi, owner: Person
) -> None:
    phone, stranger = api_from("192.0.2.7"), api_from(STRANGER)
    answer = await guess(phone, owner.username, PASSWORD, **{"X-Device-Token": ""})
    token = answer.headers["x-device-token"]
    assert not [cookie for cookie in answer.headers.get_list("set-cookie") if "device" in cookie]
    await exhaust(stranger, owner.username)

    assert_problem(await guess(stranger, owner.username, PASSWORD), 429, "too_many_attempts")
    assert (await guess(stranger, owner.username, PASSWORD, **{"X-Device-Token": token})).status_code == 200


async def test_cookie_of_the_device_is_out_of_reach_of_scripts(make_services: MakeServices) -> None:
    services = make_services(environment="production")
    async with started(services) as app, http_client(app) as client:
        body = {"username": "Abbey", "email": "a@example.com", "password": PASSWORD}
        answer = await client.post("/api/auth/signup?transport=cookie", json=body)
        cookies = answer.headers.get_list("set-cookie")

    (cookie,) = [text for text in cookies if "device" in text]
    assert cookie.startswith("__Host-gatepost_device=gpd_")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert parts == {"httponly", "secure", "path=/", "samesite=lax", "max-age=34560000"}


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:198.51.100.1", "198.51.100.1", True),
        ("198.51.100.1", "198.51.100.2", False),
    ],
)
async def test_address_is_what_one_subscriber_has(
    make_services: MakeServices, first: str, second: str, is_one: bool
) -> None:
    async with started(make_services(guesses_per_address=3)) as app:
        for address, count in ((first, 3), (second, 1)):
            transport = httpx.ASGITransport(app, client=(address, 50000))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
                codes = [(await guess(Api(client), f"victim {index}")).status_code for index in range(count)]
    assert codes == [429 if is_one else 401]


@pytest.mark.both_databases
async def test_guesses_at_once_get_no_more_answers_than_one_by_one(
    api: Api, api_from: MakeApi, owner: Person, database: Database
) -> None:
    stranger = api_from(STRANGER)
    guesses = [guess(stranger, owner.username, PASSWORD if index == 30 else f"guess {index}") for index in range(40)]

    answers = await asyncio.gather(*guesses)

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[401] + statuses[200] <= FREE + 1
    assert statuses[429] >= 40 - FREE - 1 - FREE * statuses[200]
    async with database.read() as tx:
        failures = (await tx.scalars(select(GuessCounter.failures))).all()
        refused = await tx.scalar(
            select(func.count()).select_from(AuditEntry).where(AuditEntry.event == AuditEvent.SIGN_IN_FAILED)
        )
    assert max(failures) == statuses[401] == refused


@pytest.mark.both_databases
async def test_proving_oneself_again_counts_on_the_session(api: Api, owner: Person, clock: FakeClock) -> None:
    other = await api.sign_in(owner.username)
    wrong = {"currentPassword": "wrong horse", "newPassword": "another horse"}
    for _ in range(FREE):
        refused = await api.post("/api/auth/password/change", json=wrong, headers=owner.headers)
        assert_problem(refused, 403, "wrong_password")

    right = {**wrong, "currentPassword": PASSWORD}
    for path, body in (
        ("/api/auth/password/change", right),
        ("/api/auth/email/change", {"email": "new@example.com", "currentPassword": PASSWORD}),
    ):
        refused = await api.post(path, json=body, headers=owner.headers)
        assert_problem(refused, 429, "too_many_attempts")
        assert refused.headers["retry-after"] == "5"
    refused = await api.client.request("DELETE", "/api/users/me", json={"password": PASSWORD}, headers=owner.headers)
    assert_problem(refused, 429, "too_many_attempts")
    assert (await api.post("/api/auth/password/change", json=right, headers=other.headers)).status_code == 204


async def test_disabled_account_with_the_right_password_is_told_within_the_same_limits(
    api_from: MakeApi, owner: Person, database: Database, clock: FakeClock
) -> None:
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == owner.id).values(disabled_at=clock.now()))
    stranger = api_from(STRANGER)
    for _ in range(FREE + 1):
        assert_problem(await guess(stranger, owner.username, PASSWORD), 403, "account_disabled")
    await exhaust(stranger, owner.username)
    assert_problem(await guess(stranger, owner.username, PASSWORD), 429, "too_many_attempts")


async def test_operator_ends_waits(api_from: MakeApi, owner: Person, services: Services) -> None:
    stranger = api_from(STRANGER)
    await exhaust(stranger, owner.email)
    assert await services.admin.unlocker.run(names=["Nobody"], addresses=["192.0.2.1"]) == 0
    assert_problem(await guess(stranger, owner.email), 429, "too_many_attempts")

    assert await services.admin.unlocker.run(names=[owner.email.upper()], addresses=[STRANGER]) == 2

    assert (await guess(stranger, owner.email, PASSWORD)).status_code == 200


async def test_table_holds_no_name_and_forgets(
    api_from: MakeApi, owner: Person, database: Database, services: Services, clock: FakeClock
) -> None:
    await exhaust(api_from(STRANGER), "p4ssw0rd typed as a name")
    async with database.read() as tx:
        rows = (await tx.scalars(select(GuessCounter))).all()
    assert {len(row.subject) for row in rows} == {43}
    assert not any(word in repr([vars(row) for row in rows]) for word in ("p4ssw0rd", STRANGER, SECRET))

    clock.advance(hours=1, seconds=1)
    await services.operations.purger.run_in_turn()
    async with database.read() as tx:
        assert len((await tx.scalars(select(GuessCounter))).all()) == 1
    clock.advance(hours=23)
    await services.operations.purger.run_in_turn()
    async with database.read() as tx:
        assert (await tx.scalars(select(GuessCounter))).all() == []
