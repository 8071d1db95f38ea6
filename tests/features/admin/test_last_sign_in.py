"""When accounts were last signed in to: written once a minute, shown, and an order of the list."""

import pytest

from gatepost.composition.services import Services
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.models import Authentication
from gatepost.identity.tokens.principal import Acr
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import at_once
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock

pytestmark = pytest.mark.both_databases

URL = "/api/admin/users"


async def last(api: Api, admin: Person, person_id: int, services: Services) -> str | None:
    """Return when an account was last signed in to, as the list says once it is written."""
    await services.identity.activity.write()
    body = (await api.get(URL, params={"id": person_id}, headers=admin.headers)).json()
    moment: str | None = body["items"][0]["lastSignInAt"]
    return moment


@pytest.fixture
async def strangers(api: Api, admin: Person, clock: FakeClock, services: Services) -> list[int]:
    """Return the ids of three people who were never signed in to."""
    ids = []
    for number in range(3):
        clock.advance(minutes=1)
        await services.identity.revocations.poll()
        body = {"username": f"Stranger {number}", "email": f"s{number}@example.com"}
        answer = await api.post(URL, json=body, headers=admin.headers)
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    return ids


async def test_each_way_in_is_noted_and_changes_no_version(
    api: Api, admin: Person, clock: FakeClock, services: Services
) -> None:
    clock.advance(minutes=1)
    await services.identity.revocations.poll()
    person = await api.sign_up("Abbey")
    at_sign_up = clock.now()
    assert await last(api, admin, person.id, services) == at_sign_up.isoformat().replace("+00:00", "Z")
    before = (await api.get(f"{URL}/{person.id}", headers=admin.headers)).json()

    clock.advance(minutes=1)
    await services.identity.revocations.poll()
    await api.sign_in("Abbey")
    assert await last(api, admin, person.id, services) == clock.now().isoformat().replace("+00:00", "Z")

    after = (await api.get(f"{URL}/{person.id}", headers=admin.headers)).json()
    assert {**after, "lastSignInAt": None} == {**before, "lastSignInAt": None}

    clock.advance(minutes=1)
    await services.identity.revocations.poll()
    refused = await api.post("/api/auth/signin", json={"username": "Abbey", "password": "something else"})
    assert_problem(refused, 401, "invalid_credentials")
    assert await last(api, admin, person.id, services) == after["lastSignInAt"]


async def test_many_sign_ins_at_once_all_succeed(api: Api, admin: Person) -> None:
    await api.sign_up("Abbey")
    body = {"username": "Abbey", "password": "correct horse"}

    answers = await at_once(*(api.post("/api/auth/signin", json=body) for _ in range(6)))

    assert [answer.status_code for answer in answers] == [200] * 6


async def test_what_is_written_late_never_takes_a_later_sign_in_back(
    api: Api, clock: FakeClock, services: Services, make_services: MakeServices
) -> None:
    elsewhere = make_services()
    await elsewhere.start()
    person = await api.sign_up("Abbey")
    clock.advance(minutes=1)
    async with started(elsewhere) as other, http_client(other) as client:
        await Api(client).sign_in("Abbey")
        await elsewhere.identity.activity.write()
    await services.identity.activity.write()

    async with services.platform.database.read() as tx:
        user = await tx.get_one(User, person.id)
    assert user.last_sign_in_at == clock.now()


async def test_a_sign_in_that_is_undone_is_not_noted(
    api: Api, services: Services, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await api.sign_up("Abbey")
    await services.identity.activity.write()
    noted: list[int] = []
    monkeypatch.setattr(services.identity.activity._sign_ins, "note", lambda row, *, at: noted.append(row))

    async def sign_in_in_vain() -> None:
        async with services.platform.database.begin() as tx:
            user = await tx.get_one(User, person.id)
            now = services.platform.clock.now()
            how = Authentication(amr="pwd", acr=Acr.ONE_FACTOR, at=now, proofs=[])
            await services.identity.tokens.open_session(tx, user, info=RequestInfo(), how=how, now=now)
            raise LookupError

    with pytest.raises(LookupError):
        await sign_in_in_vain()
    assert noted == []
    await api.sign_in("Abbey")
    assert noted == [person.id]


async def test_order_has_those_who_never_came_before_all_others(
    api: Api, admin: Person, strangers: list[int], clock: FakeClock, services: Services
) -> None:
    came = []
    for name in ("Eve", "Dan"):
        clock.advance(minutes=1)
        came.append((await api.sign_up(name)).id)
    clock.advance(minutes=1)
    await api.sign_in("Eve")
    await services.identity.revocations.poll()
    await services.identity.activity.write()
    up = [*strangers, admin.id, came[1], came[0]]

    for sort, expected in (("lastSignInAt", up), ("-lastSignInAt", up[::-1])):
        for size in ("1", "2", "3", "4"):
            ids, asked = [], {"sort": sort, "size": size}
            while True:
                body = (await api.get(URL, params=asked, headers=admin.headers)).json()
                ids += [item["id"] for item in body["items"]]
                if body["next"] is None:
                    break
                asked["after"] = body["next"]
            assert ids == expected, (sort, size)
        by_number = [
            item["id"]
            for page in (1, 2, 3)
            for item in (
                await api.get(URL, params={"sort": sort, "size": "2", "page": page}, headers=admin.headers)
            ).json()["items"]
        ]
        assert by_number == expected
