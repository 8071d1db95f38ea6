"""Accounts at other providers, as administrators and operators see them, and on the way to another place."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import URL, func, select

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.db.purging import ExpiredRows
from gatepost.core.settings import SignUp
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name
from gatepost.identity.external.models import ExternalIdentity, PendingAuthorization
from gatepost.identity.factors.methods import Method
from gatepost.identity.registration.service import NewAccount
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import MakePerson
from tests.features.transfer.conftest import accounts_of, write_lines
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.commands import run_command
from tests.support.external import ISSUER, PROFILE, FakeProvider, Visitor, identities_of, outcome, set_up, signed_in
from tests.support.factors import prove_again
from tests.support.links import take_link, take_mails
from tests.support.passkeys import pass_time

USERS = "/api/admin/users"


@pytest.fixture
async def person(visitor: Visitor) -> Person:
    """Return somebody who has signed up with another provider."""
    await visitor.visit()
    return await signed_in(visitor)


async def test_administrators_see_identities(api: Api, admin: Person, person: Person, clock: FakeClock) -> None:
    one = (await api.get(f"{USERS}/{person.id}", headers=admin.headers)).json()
    listed = (await api.get(USERS, params={"factor": "provider"}, headers=admin.headers)).json()["items"]
    table = (await api.get(f"{USERS}/export", headers=admin.headers)).text.splitlines()

    moment = clock.now().isoformat().replace("+00:00", "Z")
    [identity] = one["identities"]
    assert {key: identity[key] for key in identity if key != "id"} == {
        "provider": "acme", "email": PROFILE.email, "createdAt": moment, "lastUsedAt": moment,
    }  # fmt: skip
    assert one["hasPassword"] is False
    assert [(user["id"], user["identities"]) for user in listed] == [(person.id, [identity])]
    assert '"providers"' in table[0]
    assert sum(',"acme",' in line for line in table) == 1


@pytest.mark.both_databases
async def test_an_administrator_unlinks_an_identity(
    api: Api, services: Services, admin: Person, person: Person, visitor: Visitor, database: Database
) -> None:
    [identity] = await identities_of(api, person)
    await take_mails(services)

    answer = await api.delete(f"{USERS}/{person.id}/identities/{identity['id']}", headers=admin.headers)

    assert answer.status_code == 204, answer.text
    assert (await api.user_board(person.access_token)).status_code == 401
    [mail] = [mail for mail in await take_mails(services) if mail.kind == "identity_unlinked"]
    assert mail.address == person.email
    assert "203.0.113." not in mail.text, "the address of the administrator is none of the owner's business"
    async with database.read() as tx:
        entry = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == "identity.unlinked"))).one()
    assert (entry.user_id, entry.actor_id) == (person.id, admin.id)
    assert outcome(await visitor.visit()) == "account_exists"
    gone = await api.delete(f"{USERS}/{person.id}/identities/{identity['id']}", headers=admin.headers)
    assert_problem(gone, 404, "identity_not_found")


async def test_unlinking_takes_a_permission_a_fresh_proof_and_another_account(
    api: Api,
    services: Services,
    admin: Person,
    person: Person,
    person_with: MakePerson,
    clock: FakeClock,
) -> None:
    [identity] = await identities_of(api, person)
    address = f"{USERS}/{person.id}/identities/{identity['id']}"
    plain = await person_with("Plain")

    assert_problem(await api.delete(address, headers=plain.headers), 403, "permission_required")
    own = await api.delete(f"{USERS}/{admin.id}/identities/1", headers=admin.headers)
    assert_problem(own, 403, "own_account")
    await pass_time(services, clock, minutes=6)
    assert_problem(await api.delete(address, headers=admin.headers), 401, "step_up_required")
    fresh = await prove_again(api, admin, admin.password, "password")
    assert (await api.delete(address, headers=fresh.headers)).status_code == 204


def test_nobody_writes_an_identity(app: FastAPI) -> None:
    methods: dict[str, set[str]] = {}
    for route in app.routes:
        path = getattr(route, "path", "")
        if "identities" in path:
            methods.setdefault(path, set()).update(getattr(route, "methods", set()))

    assert methods == {
        "/api/users/me/identities": {"GET", "POST"},
        "/api/users/me/identities/{identity_id}": {"DELETE"},
        "/api/admin/users/{user_id}/identities/{identity_id}": {"DELETE"},
    }


async def test_a_reset_of_all_factors_unlinks_identities(
    api: Api, admin: Person, person: Person, database: Database
) -> None:
    assert (await api.delete(f"{USERS}/{person.id}/factors", headers=admin.headers)).status_code == 204

    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(ExternalIdentity)) == 0
        entry = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == "factors.reset"))).one()
    assert entry.details["factors"] == [Method.PROVIDER.value]


async def test_the_command_that_resets_factors_names_identities(services: Services, person: Person) -> None:
    result = await run_command(services.settings, "factors", "reset", f"#{person.id}", "--yes")

    assert result.exit_code == 0, result.output
    assert "removed the links with other providers" in result.stdout


async def test_an_invitation_is_accepted_with_the_invited_address_alone(
    make_services: MakeServices, clock: FakeClock
) -> None:
    services, provider = make_services(signup=SignUp.INVITE), FakeProvider()
    set_up(services, provider)
    async with started(services) as app, http_client(app, keeps_cookies=True) as client, http_client(app) as bare:
        visitor, api = Visitor(client, provider), Api(bare)
        assert outcome(await visitor.visit()) == "sign_up_closed"
        root = await _root(services, api)
        body = {"email": PROFILE.email, "roles": ["moderator"]}
        sent = await api.post("/api/admin/invitations", json=body, headers=root.headers)
        assert sent.status_code == 201, sent.text
        token = await take_link(services, "invitation")
        assert_problem(await visitor.start(invitation="gpt_other"), 400, "invitation_invalid")

        provider.tells(subject="2", email="other@example.com")
        assert outcome(await visitor.visit(invitation=token)) == "sign_up_closed"
        provider.tells(subject=PROFILE.subject, email=PROFILE.email)
        answer = await visitor.visit(invitation=token)

        assert answer.headers["location"] == "http://localhost:8080/account"
        me = (await client.get("/api/users/me")).json()
        assert me["roles"] == ["ROLE_USER", "ROLE_MODERATOR"]
        assert_problem(await visitor.start(invitation=token), 400, "invitation_invalid")


async def _root(services: Services, api: Api) -> Person:
    new = NewAccount(Name("Root", "root"), Name("root@example.com", "root@example.com"), PASSWORD, is_verified=True)
    await services.identity.accounts.create(new, roles=["admin"])
    return await api.sign_in("Root")


@pytest.mark.both_databases
async def test_authorizations_are_purged_after_their_time(
    visitor: Visitor, clock: FakeClock, database: Database
) -> None:
    await visitor.go()
    clock.advance(minutes=5)
    await visitor.go()
    clock.advance(minutes=5)

    purge = ExpiredRows(database, clock, PendingAuthorization.id, PendingAuthorization.expires_at)
    assert await purge.run() == 1

    async with database.read() as tx:
        left = (await tx.scalars(select(PendingAuthorization.expires_at))).all()
    assert left == [clock.now() + timedelta(minutes=5)]


IDENTITY = {"provider": "acme", "issuer": ISSUER, "subject": "1", "email": None}


@pytest.mark.both_databases
async def test_identities_move_to_another_place(
    make_services: MakeServices,
    services: Services,
    person: Person,
    other_database: Callable[[str], URL],
    provider: FakeProvider,
    tmp_path: Path,
) -> None:
    url = SecretStr(other_database("sqlite").render_as_string(hide_password=False))
    other = make_services(database_url=url, data_dir=tmp_path, secret_key="another-0123456789-abcdefghijklmnopqrstuvw")
    set_up(other, provider)
    assert (await run_command(other.settings, "migrate")).exit_code == 0
    file, again = tmp_path / "first", tmp_path / "second"

    exported = await run_command(services.settings, "export", "jsonl", str(file))
    imported = await run_command(other.settings, "import", "jsonl", str(file))
    repeated = await run_command(other.settings, "import", "jsonl", str(file))
    back = await run_command(other.settings, "export", "jsonl", str(again))

    assert [run.exit_code for run in (exported, imported, repeated, back)] == [0] * 4, imported.output
    assert accounts_of(file) == accounts_of(again)
    [linked] = accounts_of(file)[0]["factors"]["identities"]["linked"]
    assert (linked["issuer"], linked["subject"]) == (ISSUER, PROFILE.subject)
    async with started(other) as app, http_client(app, keeps_cookies=True) as client:
        there = Visitor(client, provider)
        assert (await there.visit()).headers["location"] == "http://localhost:8080/account"
        assert (await signed_in(there)).id == person.id


@pytest.mark.parametrize(
    ("linked", "reason"),
    [
        ([], "is a list of 1 to 20 identities"),
        ([IDENTITY, IDENTITY], "has the same identity twice"),
        ([IDENTITY | {"subject": ""}], "is no text of 1 to 255 characters"),
        ([IDENTITY | {"issuer": "x" * 256}], "is no text of 1 to 255 characters"),
        ([IDENTITY | {"subject": "a\nb"}], "is no text of 1 to 255 characters"),
        ([IDENTITY | {"token": "secret"}], "is not known"),
    ],
)
async def test_identities_that_cannot_be_read_are_refused(
    services: Services, tmp_path: Path, linked: list[Any], reason: str
) -> None:
    line = {"username": "ada", "email": "ada@example.com", "factors": {"identities": {"linked": linked}}}

    result = await run_command(services.settings, "import", "jsonl", str(write_lines(tmp_path / "in", line)))

    assert "factors_refused" in result.output
    assert reason in result.output


async def test_no_two_accounts_are_imported_with_one_identity(
    services: Services, person: Person, tmp_path: Path, database: Database
) -> None:
    theirs = IDENTITY | {"subject": PROFILE.subject}
    lines = [
        {"username": name, "email": f"{name}@example.com", "factors": {"identities": {"linked": [identity]}}}
        for name, identity in (("ada", IDENTITY), ("bob", IDENTITY), ("eve", theirs))
    ]

    result = await run_command(services.settings, "import", "jsonl", str(write_lines(tmp_path / "in", *lines)))

    assert ("identity_twice" in result.output, "identity_taken" in result.output) == (True, True)
    async with database.read() as tx:
        assert (await tx.scalars(select(User.id))).all() == [person.id]
