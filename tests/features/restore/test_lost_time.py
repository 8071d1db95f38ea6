"""An older copy of the database is restored, as by a failover that loses seconds: no token works for another person.

Nobody runs a command; the service goes on with what it has in memory, or starts again.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.links.tokens import Purpose
from gatepost.identity.sessions.models import Revocation, Session
from gatepost.identity.tokens.refresh_tokens import RefreshTicket, RefreshTokens
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import give
from tests.support.api import PASSWORD, Api, Person, assert_problem, bearer
from tests.support.clock import FakeClock
from tests.support.copies import Copy
from tests.support.links import link_of, take_mails
from tests.support.workers import claims, session_id

FEED = "/api/auth/revocations"
Credentials = tuple[str, str]


@dataclass(frozen=True)
class Lost:
    """Somebody who signed up in the lost time, and the person whose account has the same number now."""

    person: Person
    device: str
    newcomer: Person


async def sign_up_on_a_device(api: Api, username: str) -> tuple[Person, str]:
    """Sign up and return the device token too."""
    body = {"username": username, "email": f"{username.lower()}@example.com", "password": PASSWORD}
    answer = await api.post("/api/auth/signup", json=body, headers={"X-Device-Token": ""})
    said = answer.json()
    person = Person(said["id"], username, body["email"], PASSWORD, said["accessToken"], said["refreshToken"])
    return person, answer.headers["X-Device-Token"]


@pytest.fixture
async def lost(api: Api, copy: Copy) -> Lost:
    """Return both; the copy is of before either, and of after somebody else."""
    await api.sign_up("Earlier")
    await copy.make()
    person, device = await sign_up_on_a_device(api, "Lost")
    await copy.put_back()
    newcomer = await api.sign_up("Newcomer")
    assert newcomer.id == person.id, "a counter gives the number again"
    return Lost(person, device, newcomer)


@pytest.fixture(params=["goes on", "starts again"])
async def now(request: pytest.FixtureRequest, lost: Lost, api: Api, make_services: MakeServices) -> AsyncIterator[Api]:
    """Give the service after the failover: the worker that was there, or one that starts."""
    if request.param == "goes on":
        yield api
        return
    async with started(make_services()) as app, http_client(app) as client:
        yield Api(client)


async def test_refresh_token_of_the_lost_time_is_nobody_elses(now: Api, lost: Lost) -> None:
    assert session_id(lost.person.access_token) != session_id(lost.newcomer.access_token)
    assert lost.person.refresh_token != lost.newcomer.refresh_token

    assert_problem(await now.refresh(lost.person.refresh_token), 403, "refresh_token_invalid")

    assert (await now.refresh(lost.newcomer.refresh_token)).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/api/test/user", "/api/users/me", "/api/auth/check", "/api/auth/sessions", "/api/users/me/activity",
     "/api/users/me/export"],
)  # fmt: skip
async def test_access_token_of_the_lost_time_opens_nothing(now: Api, lost: Lost, path: str) -> None:
    assert_problem(await now.get(path, headers=lost.person.headers), 401, "token_revoked")

    assert (await now.get(path, headers=lost.newcomer.headers)).is_success


async def test_access_token_of_the_lost_time_is_not_active(now: Api, services: Services, lost: Lost) -> None:
    credentials = ("notes", await services.flows.clients.add("notes", name="Notes"))

    async def is_active(person: Person) -> bool:
        answer = await now.post("/oauth/introspect", data={"token": person.access_token}, auth=credentials)
        return bool(answer.json()["active"])

    assert not await is_active(lost.person)
    assert await is_active(lost.newcomer)


async def test_sign_out_with_tokens_of_the_lost_time_ends_nobodys_session(now: Api, lost: Lost) -> None:
    for body in ({"refreshToken": lost.person.refresh_token}, None):
        await now.post("/api/auth/signout", json=body, headers={} if body else lost.person.headers)
    await now.post("/oauth/revoke", data={"token": lost.person.refresh_token})
    await now.post("/oauth/revoke", data={"token": lost.person.access_token})
    await now.post("/api/auth/signout-all", headers=lost.person.headers)

    assert (await now.refresh(lost.newcomer.refresh_token)).status_code == 200


async def test_device_of_the_lost_time_is_not_known_to_the_new_account(now: Api, lost: Lost) -> None:
    async def guess(device: str, password: str) -> int:
        body = {"username": "Newcomer", "password": password}
        answer = await now.client.post(
            "/api/auth/signin", json=body, headers={"X-Device-Token": device, "X-Forwarded-For": ""}
        )
        return answer.status_code

    wrong = [await guess(lost.device, "wrong") for _ in range(6)]

    # A device that is known has a counter of its own; this one has used up the guesses of strangers.
    assert wrong == [401] * 5 + [429]


@pytest.mark.parametrize("mode", ["feed", "strict"])
async def test_routes_of_an_account_ask_whose_number_it_is(
    make_services: MakeServices, api: Api, copy: Copy, mode: str
) -> None:
    """In the second in which another worker has not yet read the feed, too."""
    await api.sign_up("Earlier")
    await copy.make()
    person = await api.sign_up("Lost")
    other = make_services(revocation_mode=mode, revocation_poll_seconds=3600)
    async with started(other) as app, http_client(app) as client:
        unaware = Api(client)
        await copy.put_back()
        newcomer = await api.sign_up("Newcomer")
        assert newcomer.id == person.id
        lost = Lost(person, "", newcomer)
        headers = lost.person.headers
        answers = {
            "me": await unaware.get("/api/users/me", headers=headers),
            "export": await unaware.get("/api/users/me/export", headers=headers),
            "rename": await unaware.patch("/api/users/me", headers=headers, json={"username": "Stolen"}),
            "delete": await unaware.client.request(
                "DELETE", "/api/users/me", headers=headers, json={"password": PASSWORD}
            ),
            "password": await unaware.post(
                "/api/auth/password/change", headers=headers,
                json={"currentPassword": PASSWORD, "newPassword": "another horse"},
            ),
            "address": await unaware.post(
                "/api/auth/email/change", headers=headers,
                json={"email": "thief@example.com", "currentPassword": PASSWORD},
            ),
            "end": await unaware.delete(
                f"/api/auth/sessions/{session_id(lost.newcomer.access_token)}", headers=headers
            ),
        }  # fmt: skip
        assert {name: answer.status_code for name, answer in answers.items() if answer.is_success} == {}
        sessions = await unaware.get("/api/auth/sessions", headers=headers)
        activity = await unaware.get("/api/users/me/activity", headers=headers)
        assert not sessions.is_success or sessions.json() == []
        assert not activity.is_success or activity.json()["items"] == []
        await unaware.post("/api/auth/signout-all", headers=headers)
        assert (await unaware.refresh(lost.newcomer.refresh_token)).status_code == 200


async def test_strict_mode_refuses_a_version_that_a_restore_has_undone(
    make_services: MakeServices, copy: Copy, clock: FakeClock
) -> None:
    services = make_services(revocation_mode="strict")
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        person = await api.sign_up()
        await copy.make()
        async with services.platform.database.begin() as tx:
            await services.identity.revocations.revoke_account(tx, person.id)
        later = (await api.refresh(person.refresh_token)).json()["accessToken"]
        assert claims(later)["ver"] == 1
        await copy.put_back()

        assert_problem(await api.get("/api/test/user", headers=bearer(later)), 401, "token_stale")


@pytest.mark.both_databases
async def test_accounts_of_before_the_random_part_keep_their_tokens(
    api: Api, services: Services, database: Database, clock: FakeClock, make_services: MakeServices
) -> None:
    """As an upgrade finds them: no random id in the row, none in the token, and a small session number."""
    person = await api.sign_up()
    async with database.begin() as tx:
        user = (await tx.scalars(select(User))).one()
        user.random_id = None
        old = Session(
            id=7, user_id=user.id, generation=0, rotated_at=clock.now(), created_at=clock.now(),
            last_used_at=clock.now(), idle_expires_at=(await tx.scalars(select(Session.idle_expires_at))).one(),
            absolute_expires_at=(await tx.scalars(select(Session.absolute_expires_at))).one(),
            access_expires_at=(await tx.scalars(select(Session.access_expires_at))).one(), key_id="x", amr="pwd",
            address="", user_agent="", device="",
        )  # fmt: skip
        tx.add(old)
        await tx.execute(Revocation.__table__.delete())  # type: ignore[attr-defined]
    refresh_token = RefreshTokens(services.settings.keys).write(RefreshTicket(7, 0))
    for mode in ("feed", "strict"):
        async with started(make_services(revocation_mode=mode)) as app, http_client(app) as client:
            upgraded = Api(client)
            answer = await upgraded.refresh(refresh_token)
            refresh_token, token = answer.json()["refreshToken"], answer.json()["accessToken"]

            assert "rid" not in claims(token)
            assert (await upgraded.get("/api/users/me", headers=bearer(token))).json()["id"] == person.id
            assert (await upgraded.user_board(token)).status_code == 200


@pytest.mark.both_databases
async def test_number_that_is_taken_is_drawn_again(
    api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await api.sign_up("First")
    taken, free = session_id(first.access_token), session_id(first.access_token) + 1
    draws = [taken, free, taken, free + 1]
    monkeypatch.setattr("gatepost.identity.sessions.tokens.new_random_id", lambda: draws.pop(0))

    second = await api.sign_up("Second")
    third = await api.sign_in("First")

    assert [session_id(person.access_token) for person in (second, third)] == [free, free + 1]
    async with database.read() as tx:
        assert await tx.scalar(select(Session.user_id).where(Session.id == taken)) == first.id
        opened = (await tx.scalars(select(AuditEntry.session_id).where(AuditEntry.event == "session.opened"))).all()
    assert sorted(filter(None, opened)) == sorted([taken, free, free + 1])


@pytest.mark.both_databases
async def test_mail_of_the_lost_time_does_not_go_out_for_who_has_its_number(
    api: Api, services: Services, database: Database, copy: Copy
) -> None:
    """A worker has it in hand when the failover comes: its link would open the newcomer's account to a stranger."""
    await api.sign_up("Earlier")
    await copy.make()
    outbox = services.flows.outbox
    async with outbox._round:  # nothing else sends meanwhile
        person = await api.sign_up("Lost")
        body = {"email": "stranger@example.com", "currentPassword": PASSWORD}
        await api.post("/api/auth/email/change", headers=person.headers, json=body)
        claimed = await outbox._claim(await outbox._due())
        assert "confirm_new_email" in [one.mail.kind for one in claimed]
        await copy.put_back()
        assert (await api.sign_up("Newcomer")).id == person.id

        assert not any([await outbox._deliver(one) for one in claimed if one.mail.user_id == person.id])

    async with database.read() as tx:
        purposes = (await tx.scalars(select(OneTimeToken.purpose))).all()
    assert Purpose.CHANGE_EMAIL not in purposes
    assert {mail.address for mail in await take_mails(services)} <= {"earlier@example.com", "newcomer@example.com"}


async def test_link_of_the_lost_time_is_void(api: Api, database: Database, copy: Copy, clock: FakeClock) -> None:
    person = await api.sign_up()
    await copy.make()
    async with database.begin() as tx:
        token = await link_of(tx, person, now=clock.now())
    await copy.put_back()

    answer = await api.post("/api/auth/password/reset", json={"token": token, "password": "another horse"})

    assert_problem(answer, 400, "link_invalid")


WAYS_OUT = ["sign out", "sign out everywhere", "end this session"]


@pytest.mark.both_databases
@pytest.mark.parametrize("way", WAYS_OUT)
async def test_session_of_the_lost_time_ends_where_its_owner_ends_it(
    api: Api, services: Services, copy: Copy, way: str
) -> None:
    person = await api.sign_up("Earlier")
    await copy.make()
    lost = await api.sign_in("Earlier")
    await copy.put_back()
    await services.identity.revocations.poll()
    assert (await api.user_board(lost.access_token)).status_code == 200, "memory alone is asked"
    path = {
        "sign out": "/api/auth/signout",
        "sign out everywhere": "/api/auth/signout-all",
        "end this session": f"/api/auth/sessions/{session_id(lost.access_token)}",
    }[way]
    method = "DELETE" if way == "end this session" else "POST"

    for _ in range(2 if way == "sign out" else 1):
        answer = await api.client.request(method, path, headers=lost.headers)
        assert answer.status_code == 204

    assert_problem(await api.user_board(lost.access_token), 401, "token_revoked")
    async with services.platform.database.read() as tx:
        lines = (await tx.scalars(select(Revocation.session_id).where(Revocation.session_id.is_not(None)))).all()
    assert lines.count(session_id(lost.access_token)) == 1
    still = 401 if way == "sign out everywhere" else 200
    assert (await api.user_board(person.access_token)).status_code == still


@pytest.mark.parametrize(
    "path", ["/api/admin/users", "/api/admin/users/1", "/api/admin/roles", "/api/admin/audit", "/api/admin/invitations"]
)
@pytest.mark.parametrize("what", ["session", "role"])
async def test_administration_is_closed_to_tokens_of_the_lost_time(
    api: Api, services: Services, copy: Copy, what: str, path: str
) -> None:
    person = await api.sign_up("Earlier")
    if what == "session":
        await give(services.platform.database, person.id, ["admin"])
    else:
        person = await api.sign_in("Earlier")
    await copy.make()
    if what == "role":
        await give(services.platform.database, person.id, ["admin"])
        async with services.platform.database.begin() as tx:
            await services.identity.revocations.revoke_account(tx, person.id)
        lost = (await api.refresh(person.refresh_token)).json()["accessToken"]
    else:
        lost = (await api.sign_in("Earlier")).access_token
    await copy.put_back()
    await services.identity.revocations.poll()

    answer = await api.get(path, headers=bearer(lost))

    assert_problem(answer, 401, "token_stale" if what == "role" else "token_revoked")
