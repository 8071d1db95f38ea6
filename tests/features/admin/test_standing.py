"""Roles, disabling, signing out, deleting: what they end, at once here, and elsewhere after the feed is read."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from gatepost.audit.log import AuditEvent
from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.sessions.models import Session
from gatepost.mail.models import OutboxMail
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, Person, assert_problem, bearer

URL = "/api/admin/users"


@pytest.fixture
async def other(app: object, make_services: MakeServices) -> AsyncIterator[tuple[Api, Services]]:
    """Give the API of a second app on the same database, and its services."""
    services = make_services()
    async with started(services) as second, http_client(second) as client:
        yield Api(client), services


@pytest.fixture
async def person(api: Api) -> Person:
    """Return somebody to be looked after."""
    return await api.sign_up("Abbey Salami")


async def last_entry(database: Database, event: AuditEvent) -> AuditEntry:
    """Return the newest entry of the audit log about an event."""
    async with database.read() as tx:
        query = select(AuditEntry).where(AuditEntry.event == event.value).order_by(AuditEntry.id.desc()).limit(1)
        return (await tx.scalars(query)).one()


ACTS: dict[str, tuple[Callable[[Api, int, dict[str, str]], Any], str]] = {
    "roles": (
        lambda api, user_id, headers: api.put(
            f"{URL}/{user_id}/roles", json={"roles": ["user", "moderator"]}, headers=headers
        ),
        "token_stale",
    ),
    "disable": (lambda api, user_id, headers: api.post(f"{URL}/{user_id}/disable", headers=headers), "token_revoked"),
    "signout": (lambda api, user_id, headers: api.post(f"{URL}/{user_id}/signout", headers=headers), "token_revoked"),
    "delete": (lambda api, user_id, headers: api.delete(f"{URL}/{user_id}", headers=headers), "token_revoked"),
}


@pytest.mark.parametrize("act", ACTS)
async def test_access_token_of_before_ends_at_once_here_and_after_a_reading_elsewhere(
    api: Api, admin: Person, person: Person, other: tuple[Api, Services], act: str
) -> None:
    there, services = other
    second = await api.sign_in("Abbey Salami")
    do, code = ACTS[act]

    answer = await do(api, person.id, admin.headers)

    assert answer.is_success, answer.text
    await services.identity.revocations.poll()
    for token in (person.access_token, second.access_token):
        assert_problem(await api.user_board(token), 401, code)
        assert_problem(await there.user_board(token), 401, code)
    assert (await api.user_board(admin.access_token)).status_code == 200


async def test_refresh_after_new_roles_shows_them(api: Api, admin: Person, person: Person) -> None:
    answer = await api.put(f"{URL}/{person.id}/roles", json={"roles": ["moderator", "user"]}, headers=admin.headers)

    body = answer.json()
    assert (body["roles"], body["version"]) == (["user", "moderator"], 2)
    fresh = (await api.refresh(person.refresh_token)).json()["accessToken"]
    assert (await api.get("/api/test/mod", headers=bearer(fresh))).status_code == 200


async def test_roles_that_are_there_already_change_nothing(api: Api, admin: Person, person: Person) -> None:
    answer = await api.put(f"{URL}/{person.id}/roles", json={"roles": ["user", "user"]}, headers=admin.headers)

    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert (await api.user_board(person.access_token)).status_code == 200


async def test_unknown_role_is_named_and_nothing_changes(api: Api, admin: Person, person: Person) -> None:
    answer = await api.put(f"{URL}/{person.id}/roles", json={"roles": ["user", "boss"]}, headers=admin.headers)

    assert assert_problem(answer, 400, "unknown_role")["message"] == "Failed! Role does not exist = boss"
    assert (await api.user_board(person.access_token)).status_code == 200


async def test_roles_before_and_after_are_in_the_audit_log(
    api: Api, admin: Person, person: Person, database: Database
) -> None:
    await api.put(f"{URL}/{person.id}/roles", json={"roles": ["moderator"]}, headers=admin.headers)

    entry = await last_entry(database, AuditEvent.ROLES_CHANGED)
    assert (entry.user_id, entry.actor_id) == (person.id, admin.id)
    assert entry.details == {
        "before": {"roles": ["user"], "role_ids": [1]},
        "after": {"roles": ["moderator"], "role_ids": [2]},
    }


@pytest.mark.both_databases
async def test_disabled_account_neither_signs_in_nor_refreshes(
    api: Api, admin: Person, person: Person, database: Database
) -> None:
    second = await api.sign_in("Abbey Salami")

    answer = await api.post(f"{URL}/{person.id}/disable", headers=admin.headers)

    assert (answer.json()["status"], answer.json()["version"]) == ("disabled", 2)
    for session in (person, second):
        assert_problem(await api.user_board(session.access_token), 401, "token_revoked")
        assert_problem(await api.refresh(session.refresh_token), 403, "account_disabled")
    async with database.read() as tx:
        going_on = select(func.count()).where(Session.user_id == person.id, Session.ended_at.is_(None))
        assert await tx.scalar(going_on) == 0
    refused = await api.post("/api/auth/signin", json={"username": "Abbey Salami", "password": PASSWORD})
    assert_problem(refused, 403, "account_disabled")
    entry = await last_entry(database, AuditEvent.ACCOUNT_DISABLED)
    assert (entry.actor_id, entry.details) == (
        admin.id,
        {"before": {"disabled": False}, "after": {"disabled": True}},
    )


async def test_enabled_account_signs_in_again_and_its_old_tokens_stay_dead(
    api: Api, admin: Person, person: Person
) -> None:
    await api.post(f"{URL}/{person.id}/disable", headers=admin.headers)

    answer = await api.post(f"{URL}/{person.id}/enable", headers=admin.headers)

    assert (answer.json()["status"], answer.json()["version"]) == ("active", 3)
    assert_problem(await api.user_board(person.access_token), 401, "token_revoked")
    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")
    again = await api.sign_in("Abbey Salami")
    assert (await api.user_board(again.access_token)).status_code == 200


@pytest.mark.parametrize(("acts", "version"), [(["disable", "disable"], 2), (["enable"], 1)])
async def test_account_that_is_so_already_stays_so(
    api: Api, admin: Person, person: Person, acts: list[str], version: int
) -> None:
    for act in acts:
        answer = await api.post(f"{URL}/{person.id}/{act}", headers=admin.headers)

    assert (answer.status_code, answer.json()["version"]) == (200, version)


async def test_sessions_are_shown_and_sign_out_ends_them_all(
    api: Api, admin: Person, person: Person, database: Database
) -> None:
    second = await api.sign_in("Abbey Salami")
    shown = (await api.get(f"{URL}/{person.id}/sessions", headers=admin.headers)).json()
    assert [session["isCurrent"] for session in shown] == [False, False]

    answer = await api.post(f"{URL}/{person.id}/signout", headers=admin.headers)

    assert answer.status_code == 204
    assert (await api.get(f"{URL}/{person.id}/sessions", headers=admin.headers)).json() == []
    for session in (person, second):
        assert_problem(await api.user_board(session.access_token), 401, "token_revoked")
        assert_problem(await api.refresh(session.refresh_token), 403, "refresh_token_invalid")
    entry = await last_entry(database, AuditEvent.SIGNED_OUT_BY_ADMINISTRATOR)
    assert (entry.user_id, entry.actor_id, entry.details) == (person.id, admin.id, {"sessions": 2})
    ended = await last_entry(database, AuditEvent.SESSION_ENDED)
    assert ended.address == "", "the owner of the account has no business with an administrator's address"


@pytest.mark.both_databases
async def test_reset_sends_a_link_and_keeps_the_password(
    api: Api, admin: Person, person: Person, database: Database
) -> None:
    answer = await api.post(f"{URL}/{person.id}/password/reset", headers=admin.headers)

    assert answer.status_code == 202
    async with database.read() as tx:
        query = select(OutboxMail).where(OutboxMail.kind == "reset_password")
        mail = (await tx.scalars(query)).one()
    assert (mail.user_id, mail.address) == (person.id, person.email)
    assert (await api.sign_in("Abbey Salami")).id == person.id
    entry = await last_entry(database, AuditEvent.PASSWORD_RESET_REQUESTED)
    assert (entry.user_id, entry.actor_id) == (person.id, admin.id)


@pytest.mark.both_databases
async def test_deleted_account_leaves_nothing_but_its_number_in_the_audit_log(
    api: Api, admin: Person, person: Person, database: Database
) -> None:
    await api.post(f"{URL}/{person.id}/password/reset", headers=admin.headers)

    answer = await api.delete(f"{URL}/{person.id}", headers=admin.headers)

    assert answer.status_code == 204
    async with database.read() as tx:
        for table, owner in (
            (User, User.id), (Session, Session.user_id), (OutboxMail, OutboxMail.user_id),
            (OneTimeToken, OneTimeToken.user_id),
        ):  # fmt: skip
            assert await tx.scalar(select(func.count()).select_from(table).where(owner == person.id)) == 0
        details = (await tx.scalars(select(AuditEntry.details).where(AuditEntry.user_id == person.id))).all()
    assert "abbey" not in str(details).lower()
    entry = await last_entry(database, AuditEvent.ACCOUNT_ERASED)
    assert (entry.user_id, entry.actor_id) == (person.id, admin.id)
    assert entry.details == {"before": {"roles": ["user"], "role_ids": [1], "disabled": False}}
    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")
    assert_problem(await api.get(f"{URL}/{person.id}", headers=admin.headers), 404, "user_not_found")
    again = await api.sign_up("Abbey Salami")
    assert again.id != person.id
