"""Making accounts for others, and changing what they say."""

from collections.abc import Sequence

import pytest
from sqlalchemy import func, select

from gatepost.audit.log import AuditEvent
from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.mail.models import OutboxMail
from tests.features.admin.conftest import at_once
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.links import take_link, take_mails

URL = "/api/admin/users"
RESET = "/api/auth/password/reset"
NEW = {"username": "Abbey Salami", "email": "heba@example.com"}


async def mails(database: Database, user_id: int) -> Sequence[tuple[str, str]]:
    """Return the kinds and addresses of an account's mails, in order."""
    async with database.read() as tx:
        query = select(OutboxMail.kind, OutboxMail.address).where(OutboxMail.user_id == user_id).order_by(OutboxMail.id)
        return (await tx.execute(query)).all()


async def entries(database: Database, event: AuditEvent, user_id: int) -> Sequence[AuditEntry]:
    """Return what the audit log says of an account."""
    async with database.read() as tx:
        query = select(AuditEntry).where(AuditEntry.event == event.value, AuditEntry.user_id == user_id)
        return (await tx.scalars(query)).all()


@pytest.mark.both_databases
async def test_account_without_a_password_gets_a_mail_to_choose_one(
    api: Api, admin: Person, database: Database
) -> None:
    answer = await api.post(URL, json={**NEW, "language": "de"}, headers=admin.headers)

    assert answer.status_code == 201
    body = answer.json()
    assert (body["hasPassword"], body["roles"], body["version"], body["language"]) == (False, ["user"], 1, "de")
    assert answer.headers["location"] == f"{URL}/{body['id']}"
    assert answer.headers["etag"] == '"1"'
    assert await mails(database, body["id"]) == [("set_password", "heba@example.com")]
    async with database.read() as tx:
        assert await tx.scalar(select(User.password_hash).where(User.id == body["id"])) == UNUSABLE_HASH
    for guess in (UNUSABLE_HASH, PASSWORD):
        refused = await api.post("/api/auth/signin", json={"username": "Abbey Salami", "password": guess})
        assert_problem(refused, 401, "invalid_credentials")


async def test_link_to_the_first_password_is_good_once_and_for_a_week(
    api: Api, admin: Person, services: Services, clock: FakeClock
) -> None:
    await take_mails(services)
    await api.post(URL, json=NEW, headers=admin.headers)
    token = await take_link(services, "set_password")
    too_short = await api.post(RESET, json={"token": token, "password": "12345"})
    assert_problem(too_short, 422, "password_not_allowed")

    assert (await api.post(RESET, json={"token": token, "password": PASSWORD})).status_code == 200

    assert_problem(await api.post(RESET, json={"token": token, "password": PASSWORD}), 400, "link_invalid")
    assert (await api.sign_in("Abbey Salami")).username == "Abbey Salami"
    late = {"username": "Late Comer", "email": "late@example.com"}
    await api.post(URL, json=late, headers=(await api.sign_in("Root")).headers)
    token = await take_link(services, "set_password")
    clock.advance(days=7)
    assert_problem(await api.post(RESET, json={"token": token, "password": PASSWORD}), 400, "link_invalid")


async def test_null_is_as_good_as_leaving_out(api: Api, admin: Person) -> None:
    person = {"username": "Abbey Salami", "email": "heba@gmail.com", "password": None, "roles": None}
    user = await api.post(URL, json={**person, "emailVerified": None, "language": None}, headers=admin.headers)
    role = {"name": "support", "description": None, "permissions": None}
    made = await api.post("/api/admin/roles", json=role, headers=admin.headers)
    invitation = {"email": "other@example.com", "roles": None, "language": None}
    invited = await api.post("/api/admin/invitations", json=invitation, headers=admin.headers)

    assert [answer.status_code for answer in (user, made, invited)] == [201, 201, 201]
    assert (user.json()["roles"], user.json()["emailVerified"]) == (["user"], False)
    assert (made.json()["description"], made.json()["permissions"]) == ("", [])
    assert invited.json()["roles"] == []


async def test_account_with_a_password_can_sign_in(api: Api, admin: Person, database: Database) -> None:
    body = {**NEW, "password": PASSWORD, "roles": ["user", "moderator"], "emailVerified": True}

    answer = await api.post(URL, json=body, headers=admin.headers)

    assert answer.status_code == 201
    assert PASSWORD not in answer.text
    created = answer.json()
    assert (created["hasPassword"], created["emailVerified"]) == (True, True)
    assert await mails(database, created["id"]) == []
    person = await api.sign_in("Abbey Salami")
    assert (await api.get("/api/test/mod", headers=person.headers)).status_code == 200


async def test_creation_is_in_the_audit_log_with_who_did_it(api: Api, admin: Person, database: Database) -> None:
    user_id = (await api.post(URL, json=NEW, headers=admin.headers)).json()["id"]

    (entry,) = await entries(database, AuditEvent.ACCOUNT_CREATED, user_id)
    assert entry.actor_id == admin.id
    assert entry.details == {"after": {"roles": ["user"], "role_ids": [1], "email_verified": False}}


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"username": "ROOT"}, "username_taken", "Failed! Username is already in use!"),
        ({"email": "Root@Example.com"}, "email_taken", "Failed! Email is already in use!"),
        ({"roles": ["user", "boss"]}, "unknown_role", "Failed! Role does not exist = boss"),
    ],
)
async def test_account_that_cannot_be_made_is_refused_as_at_sign_up(
    api: Api, admin: Person, database: Database, change: dict[str, object], code: str, message: str
) -> None:
    answer = await api.post(URL, json={**NEW, **change}, headers=admin.headers)

    assert assert_problem(answer, 400, code)["message"] == message
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(User)) == 1


async def test_short_password_is_refused(api: Api, admin: Person) -> None:
    answer = await api.post(URL, json={**NEW, "password": "123"}, headers=admin.headers)

    assert_problem(answer, 422, "password_not_allowed")


@pytest.mark.both_databases
async def test_of_two_who_make_the_same_account_one_is_told_that_it_is_taken(
    api: Api, admin: Person, database: Database
) -> None:
    answers = await at_once(*(api.post(URL, json=NEW, headers=admin.headers) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).where(User.username == "Abbey Salami")) == 1


async def test_account_is_shown_with_its_version(api: Api, admin: Person) -> None:
    person = await api.sign_up("Abbey Salami")

    answer = await api.get(f"{URL}/{person.id}", headers=admin.headers)

    assert (answer.json()["username"], answer.json()["version"]) == ("Abbey Salami", 1)
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"language": "de"}),
        ("DELETE", "", None),
        ("PUT", "/roles", {"roles": ["user"]}),
        ("POST", "/disable", None),
        ("POST", "/enable", None),
        ("POST", "/signout", None),
        ("POST", "/password/reset", None),
        ("GET", "/sessions", None),
    ],
)
async def test_account_that_is_not_there_is_not_found(
    api: Api, admin: Person, method: str, path: str, body: object
) -> None:
    answer = await api.client.request(method, f"{URL}/987654{path}", json=body, headers=admin.headers)

    assert_problem(answer, 404, "user_not_found")


async def test_new_user_name_makes_access_tokens_with_the_old_one_stale(api: Api, admin: Person) -> None:
    person = await api.sign_up("Abbey Salami")

    answer = await api.patch(f"{URL}/{person.id}", json={"username": "Heba Salami"}, headers=admin.headers)

    assert (answer.json()["username"], answer.json()["version"]) == ("Heba Salami", 2)
    assert answer.headers["etag"] == '"2"'
    assert_problem(await api.user_board(person.access_token), 401, "token_stale")
    fresh = (await api.refresh(person.refresh_token)).json()["accessToken"]
    assert (await api.user_board(fresh)).status_code == 200
    assert (await api.sign_in("heba salami")).id == person.id


async def test_new_address_is_to_be_proved_and_the_old_one_is_told(
    api: Api, admin: Person, database: Database, services: Services
) -> None:
    created = await api.post(URL, json={**NEW, "password": PASSWORD, "emailVerified": True}, headers=admin.headers)
    user_id = created.json()["id"]
    await api.post("/api/auth/password/forgot", json={"email": NEW["email"]})
    link = await take_link(services, "reset_password")

    answer = await api.patch(f"{URL}/{user_id}", json={"email": "New@example.com"}, headers=admin.headers)

    assert (answer.json()["email"], answer.json()["emailVerified"]) == ("New@example.com", False)
    assert await mails(database, user_id) == [
        ("email_changed", "heba@example.com"),
        ("verify_email", "New@example.com"),
    ]
    reset = await api.post("/api/auth/password/reset", json={"token": link, "password": PASSWORD})
    assert_problem(reset, 400, "link_invalid")


@pytest.mark.both_databases
async def test_audit_log_tells_what_changed_and_repeats_no_name(api: Api, admin: Person, database: Database) -> None:
    person = await api.sign_up("Abbey Salami")
    change = {"username": "Heba", "email": "heba@example.com", "emailVerified": True, "language": "de"}

    await api.patch(f"{URL}/{person.id}", json=change, headers=admin.headers)

    (entry,) = await entries(database, AuditEvent.PROFILE_CHANGED, person.id)
    assert entry.actor_id == admin.id
    assert entry.details == {
        "changed": ["username", "email"],
        "before": {"language": "en", "email_verified": False},
        "after": {"language": "de", "email_verified": True},
    }


async def test_change_to_what_is_there_already_is_none(api: Api, admin: Person, database: Database) -> None:
    person = await api.sign_up("Abbey Salami")

    answer = await api.patch(
        f"{URL}/{person.id}", json={"username": "Abbey Salami", "language": "en"}, headers=admin.headers
    )

    assert answer.json()["version"] == 1
    assert (await api.user_board(person.access_token)).status_code == 200
    assert await entries(database, AuditEvent.PROFILE_CHANGED, person.id) == []


@pytest.mark.parametrize(
    ("change", "code"), [({"username": "ＲＯＯＴ"}, "username_taken"), ({"email": "ROOT@example.com"}, "email_taken")]
)
async def test_name_of_another_account_is_refused(api: Api, admin: Person, change: dict[str, str], code: str) -> None:
    person = await api.sign_up("Abbey Salami")

    assert_problem(await api.patch(f"{URL}/{person.id}", json=change, headers=admin.headers), 400, code)
    assert (await api.user_board(person.access_token)).status_code == 200


async def test_own_name_may_be_spelled_otherwise(api: Api, admin: Person) -> None:
    person = await api.sign_up("Abbey Salami")

    answer = await api.patch(f"{URL}/{person.id}", json={"username": "ABBEY SALAMI"}, headers=admin.headers)

    assert answer.json()["username"] == "ABBEY SALAMI"


@pytest.mark.both_databases
async def test_update_of_what_somebody_else_has_changed_is_refused(api: Api, admin: Person) -> None:
    person = await api.sign_up("Abbey Salami")
    url = f"{URL}/{person.id}"
    await api.patch(url, json={"language": "de", "version": 1}, headers=admin.headers)

    for body, headers in (
        ({"language": "en", "version": 1}, {}),
        ({"language": "en"}, {"If-Match": '"1"'}),
        ({"language": "en"}, {"If-Match": 'W/"2"'}),
        ({"language": "en"}, {"If-Match": "nonsense"}),
    ):
        refused = await api.patch(url, json=body, headers={**admin.headers, **headers})
        assert_problem(refused, 412, "version_mismatch")
    assert (await api.get(url, headers=admin.headers)).json()["language"] == "de"


@pytest.mark.parametrize("tag", ['"1"', '"7", "1"', "*"])
async def test_if_match_of_what_is_there_lets_the_change_pass(api: Api, admin: Person, tag: str) -> None:
    person = await api.sign_up("Abbey Salami")

    answer = await api.patch(f"{URL}/{person.id}", json={"language": "de"}, headers={**admin.headers, "If-Match": tag})

    assert (answer.status_code, answer.json()["version"]) == (200, 2)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/roles", {"roles": []}),
        ("POST", "/disable", None),
        ("POST", "/enable", None),
        ("POST", "/signout", None),
        ("POST", "/password/reset", None),
        ("DELETE", "", None),
    ],
)
async def test_every_act_heeds_if_match(api: Api, admin: Person, method: str, path: str, body: object) -> None:
    person = await api.sign_up("Abbey Salami")

    answer = await api.client.request(
        method, f"{URL}/{person.id}{path}", json=body, headers={**admin.headers, "If-Match": '"9"'}
    )

    assert_problem(answer, 412, "version_mismatch")
    assert (await api.user_board(person.access_token)).status_code == 200


@pytest.mark.both_databases
async def test_of_changes_that_saw_the_same_version_one_wins(api: Api, admin: Person) -> None:
    person = await api.sign_up("Abbey Salami")
    url = f"{URL}/{person.id}"

    answers = await at_once(
        *(api.patch(url, json={"username": f"Abbey {n}", "version": 1}, headers=admin.headers) for n in range(5))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    assert (await api.get(url, headers=admin.headers)).json()["version"] == 2


@pytest.mark.parametrize(
    "body", [{"roles": ["admin"]}, {"id": 7}, {"passwordHash": "x"}, {"version": 0}, {"language": "xx"}, {"email": "x"}]
)
async def test_change_of_what_is_not_there_to_change_is_refused(
    api: Api, admin: Person, body: dict[str, object]
) -> None:
    assert_problem(await api.patch(f"{URL}/{admin.id}", json=body, headers=admin.headers), 422, "validation_failed")


@pytest.mark.both_databases
async def test_undone_creation_sends_no_mail(api: Api, admin: Person, services: Services, database: Database) -> None:
    await api.post(URL, json={**NEW, "username": "Root"}, headers=admin.headers)

    async with database.read() as tx:
        kinds = (await tx.scalars(select(OutboxMail.kind).where(OutboxMail.address == "heba@example.com"))).all()
    assert kinds == []
