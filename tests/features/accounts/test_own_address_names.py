"""User names that are the account's own address: taken, and always the address that the account has."""

import asyncio

import pytest
from sqlalchemy import select

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import give
from tests.support.api import PASSWORD, Api, Person, assert_problem, bearer
from tests.support.clock import FakeClock
from tests.support.links import take_link, take_mails
from tests.support.workers import claims

pytestmark = pytest.mark.both_databases

BOB, NEW = "bob@home.net", "bob@work.net"
ME, SIGN_UP, SIGN_IN = "/api/users/me", "/api/auth/signup", "/api/auth/signin"
CHANGE, VERIFY, NOT_ME = "/api/auth/email/change", "/api/auth/email/verify", "/api/auth/not-me"


async def move(api: Api, services: Services, person: Person, email: str) -> None:
    """Change somebody's address, link and all."""
    body = {"email": email, "currentPassword": person.password}
    assert (await api.post(CHANGE, json=body, headers=person.headers)).status_code == 202
    token = await take_link(services, "confirm_new_email")
    assert (await api.post(VERIFY, json={"token": token}, headers=person.headers)).status_code == 200


async def named(database: Database, user_id: int) -> tuple[str, str, str, str]:
    """Return an account's name and address, both in both forms."""
    async with database.read() as tx:
        query = select(User.username, User.username_canonical, User.email, User.email_canonical)
        username, canonical, email, email_canonical = (await tx.execute(query.where(User.id == user_id))).one()
    return username, canonical, email, email_canonical


@pytest.fixture
async def admin(api: Api, database: Database) -> Person:
    """Return an administrator."""
    root = await api.sign_up("Root")
    await give(database, root.id, ["admin"])
    return await api.sign_in("Root")


async def test_own_address_is_a_name_however_it_is_written(api: Api, database: Database) -> None:
    person = await api.sign_up(" Bob@Home.NET\t", email=BOB)

    assert await named(database, person.id) == (BOB, BOB, BOB, BOB)
    assert claims(person.access_token)["username"] == BOB
    for text in (BOB, "BOB@home.net", f"\u00a0{BOB}\n"):
        assert (await api.sign_in(text)).id == person.id


async def test_address_of_somebody_else_is_no_name(api: Api, admin: Person) -> None:
    person = await api.sign_up("Bob", email=BOB)
    wrong = []
    # Of one canonical form with one's own, and perhaps somebody else's mailbox.
    for name in (
        "alice@home.net",
        "bob@home.net.evil.net",
        "\uff42ob@home.net",
        "bob\u00ae@home.net",
        "root@example.com",
    ):
        new = {"username": name, "email": "new@home.net", "password": PASSWORD}
        answers = (
            await api.post(SIGN_UP, json=new),
            await api.post("/api/admin/users", json=new, headers=admin.headers),
            await api.patch(ME, json={"username": name}, headers=person.headers),
            await api.patch(f"/api/admin/users/{person.id}", json={"username": name}, headers=admin.headers),
        )
        for answer in answers:
            body = answer.json()
            told = [(error["field"], error["code"]) for error in body["errors"]]
            if (answer.status_code, told) != (422, [("username", "username_invalid")]):
                wrong.append((name, answer.request.url.path, answer.text))

    assert wrong == []


async def test_name_becomes_the_address_and_another_name_again(api: Api, database: Database) -> None:
    person = await api.sign_up("Bob", email=BOB)

    answer = await api.patch(ME, json={"username": "BOB@home.net"}, headers=person.headers)

    assert answer.json()["username"] == BOB
    assert_problem(await api.user_board(person.access_token), 401, "token_stale")
    again = await api.sign_in(BOB)
    assert (await api.patch(ME, json={"username": "Bob"}, headers=again.headers)).status_code == 200
    assert await named(database, person.id) == ("Bob", "bob", BOB, BOB)


async def test_name_goes_with_the_address_and_whoever_has_it_next_may_be_called_so(
    api: Api, services: Services, database: Database
) -> None:
    first = await api.sign_up(BOB, email=BOB)

    await move(api, services, first, NEW)

    assert await named(database, first.id) == (NEW, NEW, NEW, NEW)
    assert_problem(await api.user_board(first.access_token), 401, "token_stale")
    refreshed = (await api.refresh(first.refresh_token)).json()["accessToken"]
    assert claims(refreshed)["username"] == NEW
    answer = await api.post(SIGN_IN, json={"username": BOB, "password": PASSWORD})
    assert_problem(answer, 401, "invalid_credentials")
    next_one = await api.sign_up(BOB, email=BOB, password="another horse")
    assert (await api.sign_in(BOB, password="another horse")).id == next_one.id
    assert (await api.sign_in(NEW)).id == first.id


async def test_name_of_its_own_stays_when_the_address_changes(api: Api, services: Services, database: Database) -> None:
    person = await api.sign_up("Bob", email=BOB)

    await move(api, services, person, NEW)

    assert await named(database, person.id) == ("Bob", "bob", NEW, NEW)
    assert (await api.user_board(person.access_token)).status_code == 200


async def test_administrator_moves_name_and_address_together(api: Api, admin: Person, database: Database) -> None:
    person = await api.sign_up(BOB, email=BOB)
    url = f"/api/admin/users/{person.id}"

    moved = await api.patch(url, json={"email": NEW}, headers=admin.headers)
    assert (moved.status_code, moved.json()["username"]) == (200, NEW)
    assert_problem(await api.user_board(person.access_token), 401, "token_stale")
    # The address of before is nobody's now.
    for change in ({"username": BOB}, {"username": NEW, "email": BOB}):
        answer = await api.patch(url, json=change, headers=admin.headers)
        assert_problem(answer, 422, "username_invalid")
    both = await api.patch(url, json={"username": BOB, "email": BOB}, headers=admin.headers)
    assert both.status_code == 200, both.text
    apart = await api.patch(url, json={"username": "Bob", "email": NEW}, headers=admin.headers)
    assert apart.status_code == 200, apart.text
    assert await named(database, person.id) == ("Bob", "bob", NEW, NEW)
    made = await api.post("/api/admin/users", json={"username": BOB, "email": BOB}, headers=admin.headers)
    assert (made.status_code, made.json()["username"]) == (201, BOB)


async def test_owner_who_writes_the_address_otherwise_is_called_so_too(api: Api, database: Database) -> None:
    person = await api.sign_up(BOB, email=BOB)
    body = {"email": "Bob@home.net", "currentPassword": person.password}

    assert (await api.post(CHANGE, json=body, headers=person.headers)).status_code == 202

    assert await named(database, person.id) == ("Bob@home.net", BOB, "Bob@home.net", BOB)
    assert_problem(await api.get(ME, headers=person.headers), 401, "token_stale")


async def test_this_was_not_me_brings_the_name_back_from_a_thief_and_from_who_sits_there(
    api: Api, services: Services, database: Database
) -> None:
    owner = await api.sign_up(BOB, email=BOB)
    await move(api, services, owner, "thief@evil.net")
    warning = next(mail for mail in await take_mails(services) if mail.kind == "email_changed")
    assert warning.address == BOB
    sitting = await api.sign_up(BOB, email=BOB)

    answer = await api.post(NOT_ME, json={"token": warning.token})

    assert answer.status_code == 200, answer.text
    nowhere = f"account-{sitting.id}@taken-back.invalid"
    assert await named(database, owner.id) == (BOB, BOB, BOB, BOB)
    assert await named(database, sitting.id) == (nowhere, nowhere, nowhere, nowhere)
    assert_problem(await api.user_board(sitting.access_token), 401, "token_stale")


async def test_name_and_address_that_change_at_once_end_alike(api: Api, services: Services, database: Database) -> None:
    person = await api.sign_up("Bob", email=BOB)
    body = {"email": NEW, "currentPassword": PASSWORD}
    assert (await api.post(CHANGE, json=body, headers=person.headers)).status_code == 202
    token = await take_link(services, "confirm_new_email")

    renamed, verified = await asyncio.gather(
        api.patch(ME, json={"username": BOB}, headers=person.headers),
        api.post(VERIFY, json={"token": token, "password": PASSWORD}),
    )

    assert verified.status_code == 200, verified.text
    # First renamed, the name has gone along; first moved, it is somebody else's address.
    if renamed.status_code == 200:
        assert (await named(database, person.id))[0] == NEW
    else:
        assert renamed.status_code in (401, 422), renamed.text
        assert (await named(database, person.id))[0] == "Bob"


async def test_of_two_who_want_one_address_and_name_at_once_one_gets_both(api: Api, database: Database) -> None:
    body = {"username": BOB, "email": BOB, "password": PASSWORD}

    answers = await asyncio.gather(*(api.post(SIGN_UP, json=body) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400], [each.text for each in answers]


async def test_invited_person_may_be_called_by_the_address_of_the_invitation(
    api: Api, admin: Person, services: Services, database: Database
) -> None:
    invited = {"email": "Guest@home.net", "roles": ["user"]}
    assert (await api.post("/api/admin/invitations", json=invited, headers=admin.headers)).status_code == 201
    token = await take_link(services, "invitation")
    # Another spelling, which may be another mailbox: what is proved is that of the mail.
    typed = "\uff27uest@home.net"
    body = {"username": typed, "email": typed, "password": PASSWORD, "invitation": token}

    answer = await api.post(SIGN_UP, json=body)

    assert answer.status_code == 201, answer.text
    assert await named(database, answer.json()["id"]) == (
        "Guest@home.net", "guest@home.net", "Guest@home.net", "guest@home.net"
    )  # fmt: skip


async def test_hidden_sign_up_is_called_by_its_address_once_that_is_proved(
    make_services: MakeServices, database: Database
) -> None:
    services = make_services(email_verification="required", signup_reveals_taken=False)
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        body = {"username": BOB, "email": BOB, "password": PASSWORD}
        assert (await api.post(SIGN_UP, json=body)).status_code == 202
        link = {"token": await take_link(services, "verify_email"), "password": PASSWORD}
        assert (await api.post(VERIFY, json=link)).status_code == 200

        person = await api.sign_in(BOB)
        assert (person.username, person.email) == (BOB, BOB)
        assert (await api.post(SIGN_UP, json=body)).status_code == 202
        assert [mail.kind for mail in await take_mails(services)] == ["sign_up_taken"]


SPACES = (" ", "\t", "\u00a0", "\n", "\r\n", "\u3000", "  \t ")


def around(text: str, space: str) -> str:
    """Return a text with white space on both sides."""
    return f"{space}{text}{space}"


async def test_white_space_round_a_new_name_or_address_does_not_count(api: Api, admin: Person) -> None:
    seen = []
    for number, space in enumerate(SPACES):
        name = around(f"Person {number}", space)
        email = around(f"person{number}@home.net", space)
        body = {"username": name, "email": email, "password": PASSWORD}
        new = await api.post(SIGN_UP, json=body)
        again = await api.post(SIGN_UP, json=body)
        renamed = await api.patch(
            ME, json={"username": around(f"Next{number}", space)}, headers=bearer(new.json()["accessToken"])
        )
        change = {"username": around(f"Third{number}", space), "email": around(f"third{number}@home.net", space)}
        changed = await api.patch(f"/api/admin/users/{new.json()['id']}", json=change, headers=admin.headers)
        made = await api.post("/api/admin/users", json=body, headers=admin.headers)
        guest = {"email": around(f"guest{number}@home.net", space), "roles": ["user"]}
        invited = await api.post("/api/admin/invitations", json=guest, headers=admin.headers)
        told = [answer.json() for answer in (new, again, renamed, changed, made, invited)]
        seen.append([each.get("username") or each.get("code") or each["email"] for each in told] + [told[3]["email"]])

    assert seen == [
        [f"Person {number}", "username_taken", f"Next{number}", f"Third{number}", f"Person {number}",
         f"guest{number}@home.net", f"third{number}@home.net"]
        for number in range(len(SPACES))
    ]  # fmt: skip


async def test_white_space_round_a_known_name_or_address_does_not_count(
    api: Api, services: Services, clock: FakeClock
) -> None:
    person = await api.sign_up("Abbey  Salami", email=BOB)
    assert person.username == "Abbey Salami"
    await take_mails(services)
    clock.advance(minutes=2)  # a mailbox gets one mail of each kind a minute
    wrong = []
    for space in SPACES:
        for typed in ("Abbey Salami", "abbey \u00a0 salami", BOB):
            text = around(typed, space)
            form = {"grant_type": "password", "username": text, "password": PASSWORD}
            for answer in (
                await api.post(SIGN_IN, json={"email" if typed == BOB else "username": text, "password": PASSWORD}),
                await api.post("/api/auth/token", data=form),
            ):
                if not answer.is_success:
                    wrong.append((text, answer.request.url.path, answer.text))
        for path in ("/api/auth/password/forgot", "/api/auth/email/resend"):
            answer = await api.post(path, json={"email": around(BOB, space)})
            if answer.status_code != 202:
                wrong.append((space, path, answer.text))

    assert wrong == []
    assert sorted(mail.kind for mail in await take_mails(services)) == ["reset_password", "verify_email"]
