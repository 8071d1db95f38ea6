"""Next, active, retiring, gone."""

import asyncio
import base64
import json
from typing import Any

import pytest
from sqlalchemy import select

from gatepost.admin.keys.rotation import KeyState, KeyStatus
from gatepost.audit.log import AuditEvent
from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import JwtAlgorithm
from gatepost.identity.keys.errors import SigningKeyError
from tests.conftest import MakeServices, http_client, started
from tests.features.keys.conftest import Worker, every_algorithm
from tests.support.api import Api, assert_problem
from tests.support.clock import FakeClock

# Five minutes in verifiers' caches, and one for workers to read of the key.
KNOWN_SECONDS = 360
ACCESS_MINUTES = 1440


@every_algorithm
async def test_first_start_makes_an_active_and_a_next_key(
    api: Api, services: Services, algorithm: JwtAlgorithm
) -> None:
    active, coming = await _keys(services)

    assert (active.algorithm, coming.algorithm) == (algorithm.value, algorithm.value)
    person = await api.sign_up()
    assert _header(person.access_token) == {"alg": algorithm.value, "kid": active.kid, "typ": "at+jwt"}
    assert await _published(api) == {active.kid, coming.kid}


@pytest.mark.both_databases
async def test_workers_that_start_at_once_share_their_first_keys(other_worker: Worker, database: Database) -> None:
    workers = [other_worker() for _ in range(4)]

    await asyncio.gather(*(worker.start() for worker in workers))

    assert len({worker.identity.keys.signing.kid for worker in workers}) == 1
    assert len({frozenset(worker.identity.keys.verifying) for worker in workers}) == 1
    assert len(workers[0].identity.keys.verifying) == 2
    async with database.read() as tx:
        query = select(AuditEntry).where(AuditEntry.event == AuditEvent.KEY_CREATED.value)
        assert len((await tx.scalars(query)).all()) == 2


async def test_rotation_before_verifiers_know_the_next_key_is_refused(services: Services, clock: FakeClock) -> None:
    await services.start()
    before = await _keys(services)
    clock.advance(seconds=KNOWN_SECONDS - 1)

    with pytest.raises(SigningKeyError, match=r"verifiers .* may not know it .* wait, or use --force"):
        await services.admin.key_rotation.rotate()

    assert await _keys(services) == before
    await services.admin.key_rotation.rotate(force=True)
    assert (await _keys(services))[0].kid == before[1].kid


async def test_next_key_signs_after_the_rotation_and_was_published_before(
    api: Api, services: Services, clock: FakeClock
) -> None:
    old, coming = await _keys(services)
    published = await _published(api)
    clock.advance(seconds=KNOWN_SECONDS)

    assert await services.admin.key_rotation.rotate() == coming.kid
    before_reload = await api.sign_up("Heba")
    await services.identity.keys.load()
    after_reload = await api.sign_up("Abbey")

    assert _header(before_reload.access_token)["kid"] == old.kid
    assert _header(after_reload.access_token)["kid"] == coming.kid
    assert coming.kid in published
    states = {key.kid: key.state for key in await services.admin.key_rotation.list()}
    assert (states.pop(old.kid), states.pop(coming.kid)) == (KeyState.RETIRING, KeyState.ACTIVE)
    [(newest, state)] = states.items()
    assert state is KeyState.NEXT
    assert await _published(api) == {old.kid, coming.kid, newest}


async def test_rotation_is_in_the_audit_log(api: Api, services: Services, database: Database) -> None:
    old, coming = await _keys(services)

    await services.admin.key_rotation.rotate(force=True)

    async with database.read() as tx:
        [entry] = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == "key.rotated"))).all()
    assert entry.details == {"from": old.kid, "to": coming.kid}


@every_algorithm
async def test_tokens_of_the_old_key_are_good_as_long_as_they_live(
    api: Api, services: Services, clock: FakeClock
) -> None:
    person = await api.sign_up()
    await services.admin.key_rotation.rotate(force=True)
    await services.identity.keys.load()

    clock.advance(minutes=ACCESS_MINUTES, seconds=-1)
    await services.identity.revocations.poll()
    assert (await api.user_board(person.access_token)).status_code == 200
    clock.advance(seconds=1)
    assert_problem(await api.user_board(person.access_token), 401, "token_expired")


async def test_key_whose_tokens_live_is_retired_only_by_force(
    api: Api, services: Services, other_worker: Worker, database: Database
) -> None:
    people = [await api.sign_up(name) for name in ("Abbey", "Heba", "Gone")]
    await api.post("/api/auth/signout", headers=people[2].headers)
    old = (await _keys(services))[0].kid
    await services.admin.key_rotation.rotate(force=True)
    await services.identity.keys.load()
    late = other_worker()
    async with started(late) as app, http_client(app) as client:
        with pytest.raises(SigningKeyError, match=r"^2 sessions have an access token .* use --force"):
            await services.admin.key_rotation.retire(old)
        assert old in {key.kid for key in await services.admin.key_rotation.list()}

        await services.admin.key_rotation.retire(old, force=True)

        await services.identity.keys.load()
        assert_problem(await api.user_board(people[0].access_token), 401, "token_invalid")
        assert (await Api(client).user_board(people[0].access_token)).status_code == 200
        await late.identity.keys.load()
        assert_problem(await Api(client).user_board(people[0].access_token), 401, "token_invalid")
    assert old not in await _published(api)
    refreshed = (await api.refresh(people[0].refresh_token)).json()
    assert (await api.user_board(refreshed["accessToken"])).status_code == 200
    async with database.read() as tx:
        [entry] = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == "key.retired"))).all()
    assert entry.details == {"kid": old, "algorithm": "ES256", "live_sessions": 2}


async def test_earlier_token_of_a_session_that_moved_on_still_holds_its_key(
    api: Api, services: Services, clock: FakeClock
) -> None:
    person = await api.sign_up()
    old = (await _keys(services))[0].kid
    await services.admin.key_rotation.rotate(force=True)
    await services.identity.keys.load()
    await api.refresh(person.refresh_token)

    with pytest.raises(SigningKeyError, match=r"^0 sessions have .* may be valid until"):
        await services.admin.key_rotation.retire(old)

    # Workers may have signed with it for another minute.
    clock.advance(minutes=ACCESS_MINUTES, seconds=59)
    with pytest.raises(SigningKeyError):
        await services.admin.key_rotation.retire(old)
    clock.advance(seconds=1)
    await services.admin.key_rotation.retire(old)
    assert old not in {key.kid for key in await services.admin.key_rotation.list()}


@pytest.mark.both_databases
async def test_key_in_use_cannot_be_retired(services: Services) -> None:
    await services.start()

    for key in await _keys(services):
        with pytest.raises(SigningKeyError, match="run gatepost keys rotate first"):
            await services.admin.key_rotation.retire(key.kid, force=True)
    assert len(await _keys(services)) == 2


async def test_unknown_key_cannot_be_retired(services: Services) -> None:
    await services.start()

    with pytest.raises(SigningKeyError, match="there is no key nobody; see gatepost keys list"):
        await services.admin.key_rotation.retire("nobody")


@pytest.mark.both_databases
async def test_rotations_at_once_are_one_after_the_other(services: Services, other_worker: Worker) -> None:
    other = other_worker()
    await services.start()
    await other.start()
    first = services.identity.keys.signing.kid

    results = await asyncio.gather(
        services.admin.key_rotation.rotate(force=True),
        other.admin.key_rotation.rotate(force=True),
        return_exceptions=True,
    )

    active, coming = await _keys(services)
    assert active.kid in results
    keys = await services.admin.key_rotation.list()
    done = [result for result in results if isinstance(result, str)]
    assert len(done) == len(set(done)) == len(keys) - 2
    assert first in {key.kid for key in keys if key.state is KeyState.RETIRING}
    assert coming.kid not in results


async def test_key_of_a_new_algorithm_is_published_before_it_signs(
    make_services: MakeServices, clock: FakeClock
) -> None:
    before, after = make_services(jwt_algorithm="RS256"), make_services(jwt_algorithm="ES256")
    async with started(before):
        known = set(before.identity.keys.verifying)
    async with started(after) as app, http_client(app) as client:
        api = Api(client)
        assert _header((await api.sign_up()).access_token)["kid"] in known, "verifiers may have kept the list of before"
        [coming] = [key for key in (await api.get("/.well-known/jwks.json")).json()["keys"] if key["kid"] not in known]
        clock.advance(seconds=359)
        await after.identity.keys.load()
        assert _header((await api.sign_in()).access_token)["alg"] == "RS256"

        clock.advance(seconds=1)
        await after.identity.keys.load()

        assert _header((await api.sign_in()).access_token)["kid"] == coming["kid"]
        published = (await api.get("/.well-known/jwks.json")).json()["keys"]
        assert sorted(key["alg"] for key in published) == ["ES256", "ES256", "RS256", "RS256"]


async def test_replicas_of_two_algorithms_sign_each_with_its_own_once_it_is_known(
    make_services: MakeServices, clock: FakeClock
) -> None:
    first, second = make_services(jwt_algorithm="ES256"), make_services(jwt_algorithm="RS256")
    for services in (first, second):
        await services.identity.keys.start()
    assert second.identity.keys.signing == first.identity.keys.signing
    clock.advance(minutes=6)
    for services in (second, first, second, first):
        await services.identity.keys.load()

    assert (first.identity.keys.signing.algorithm, second.identity.keys.signing.algorithm) == ("ES256", "RS256")
    assert first.identity.keys.verifying.keys() == second.identity.keys.verifying.keys()


@pytest.mark.both_databases
async def test_workers_that_change_the_algorithm_at_once_agree_on_its_key(
    make_services: MakeServices, clock: FakeClock
) -> None:
    before = make_services(jwt_algorithm="RS256")
    await before.identity.keys.start()
    workers = [make_services(jwt_algorithm="ES256") for _ in range(4)]
    await asyncio.gather(*(worker.identity.keys.start() for worker in workers))
    clock.advance(minutes=6)

    await asyncio.gather(*(worker.identity.keys.load() for worker in workers))

    assert {worker.identity.keys.signing.algorithm for worker in workers} == {"ES256"}
    assert len({worker.identity.keys.signing.kid for worker in workers}) == 1
    for worker in workers:
        await worker.identity.keys.load()
    assert len({frozenset(worker.identity.keys.verifying) for worker in workers}) == 1


async def test_key_that_signs_for_a_new_algorithm_is_kept_until_another_does(
    make_services: MakeServices, clock: FakeClock
) -> None:
    before, after = make_services(jwt_algorithm="RS256"), make_services(jwt_algorithm="ES256")
    await before.identity.keys.start()
    await after.identity.keys.start()
    signing = after.identity.keys.signing.kid
    with pytest.raises(SigningKeyError, match="this key signs"):
        await after.admin.key_rotation.retire(signing, force=True)
    with pytest.raises(SigningKeyError, match="may not know it before"):
        await after.admin.key_rotation.rotate()

    coming = await after.admin.key_rotation.rotate(force=True)

    await after.identity.keys.load()
    assert (after.identity.keys.signing.kid, after.identity.keys.signing.algorithm) == (coming, "ES256")
    await after.admin.key_rotation.retire(signing, force=True)


async def test_tokens_of_another_algorithm_outlive_a_change_of_it(
    make_services: MakeServices, clock: FakeClock
) -> None:
    before, after = make_services(jwt_algorithm="RS256"), make_services(jwt_algorithm="ES256")
    async with started(before) as app, http_client(app) as client:
        person = await Api(client).sign_up()
    await after.identity.keys.start()
    clock.advance(minutes=6)
    async with started(after) as app, http_client(app) as client:
        api = Api(client)
        later = await api.sign_in()

        assert (await api.user_board(person.access_token)).status_code == 200
        assert _header(later.access_token)["alg"] == "ES256"
        assert {key["alg"] for key in (await api.get("/.well-known/jwks.json")).json()["keys"]} == {"ES256", "RS256"}
        for key in await after.admin.key_rotation.list():
            if key.algorithm == "RS256":
                await after.admin.key_rotation.retire(key.kid, force=True)
        await after.identity.keys.load()
        assert_problem(await api.user_board(person.access_token), 401, "token_invalid")
        assert (await api.user_board(later.access_token)).status_code == 200


async def test_shared_secret_signs_and_is_published_nowhere(make_services: MakeServices) -> None:
    secret = "shared-0123456789-abcdefghijklmnopqrstuvwxyz"
    services = make_services(jwt_algorithm="HS256", jwt_secret=secret)
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        person = await api.sign_up()

        assert _header(person.access_token)["alg"] == "HS256"
        assert (await api.user_board(person.access_token)).status_code == 200
        assert (await api.get("/.well-known/jwks.json")).json() == {"keys": []}
        assert await services.admin.key_rotation.list() == []
        with pytest.raises(SigningKeyError, match="HS256 signs with JWT_SECRET"):
            await services.admin.key_rotation.rotate(force=True)
        for path in ("/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/openapi.json"):
            assert secret not in (await api.get(path)).text


async def _keys(services: Services) -> tuple[KeyStatus, KeyStatus]:
    """Return the active and the next key."""
    by_state = {key.state: key for key in await services.admin.key_rotation.list()}
    return by_state[KeyState.ACTIVE], by_state[KeyState.NEXT]


async def _published(api: Api) -> set[str]:
    return {key["kid"] for key in (await api.get("/.well-known/jwks.json")).json()["keys"]}


def _header(token: str) -> dict[str, Any]:
    segment = token.partition(".")[0]
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return header
