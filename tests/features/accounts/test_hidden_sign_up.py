"""SIGNUP_REVEALS_TAKEN=false: all that a stranger sees of a sign-up is the same for taken and for free."""

from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import parse_email, parse_username
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.registration.service import NewAccount
from gatepost.identity.sessions.models import Session
from gatepost.identity.throttling.models import GuessCounter
from tests.conftest import MakeServices, http_client, started
from tests.features.recovery.conftest import unattended
from tests.support.api import PASSWORD, Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.links import take_link, take_mails
from tests.support.statements import statements

SIGN_UP, SIGN_IN, VERIFY = "/api/auth/signup", "/api/auth/signin", "/api/auth/email/verify"
OWNER = {"username": "Abbey", "email": "abbey@example.com", "password": "the owner's own"}
# What differs from one answer to the next, whatever the answer.
OWN_OF_EACH = {"x-request-id", "ratelimit"}
CASES = [
    pytest.param("Abbey", "abbey@example.com", id="both taken"),
    pytest.param("Other", "abbey@example.com", id="address taken"),
    pytest.param("Other", "ABBEY@Example.com", id="address taken, written otherwise"),
    pytest.param("Abbey", "other@example.com", id="name taken"),
]


@pytest.fixture
async def services(make_services: MakeServices) -> Services:
    return make_services(email_verification="required", signup_reveals_taken=False)


@pytest.fixture
async def hidden(api: Api, services: Services) -> Api:
    """Return the API of a deployment that hides what is taken, with one account."""
    await api.post(SIGN_UP, json=OWNER)
    answer = await api.post(
        VERIFY, json={"token": await take_link(services, "verify_email"), "password": OWNER["password"]}
    )
    assert answer.status_code == 200, answer.text
    return api


def seen(answer: httpx.Response) -> dict[str, Any]:
    """Return all that a stranger sees of an answer."""
    body = answer.json()
    body.pop("requestId", None)
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in OWN_OF_EACH]
    return {"status": answer.status_code, "headers": headers, "body": body}


async def trace(api: Api, username: str, email: str) -> list[dict[str, Any]]:
    """Do all that a stranger can do to find out whether a sign-up has made an account, up to the waits for guessing."""
    account = {"username": username, "email": email, "password": PASSWORD}
    answers = [await api.post(SIGN_UP, json=account)]
    for name in (username, email):
        for _ in range(7):
            answers.append(await api.post(SIGN_IN, json={"username": name, "password": PASSWORD}))
    form = {"grant_type": "password", "username": email, "password": PASSWORD}
    answers.append(await api.post("/api/auth/token", data=form))
    answers.append(await api.post("/api/auth/email/resend", json={"email": email}))
    answers.append(await api.post("/api/auth/password/forgot", json={"email": email}))
    answers.append(await api.post(f"{SIGN_UP}?transport=cookie", json=account))
    answers.append(await api.post(SIGN_UP, json=account | {"roles": ["admin"]}))
    return [seen(answer) for answer in answers]


@pytest.mark.parametrize(("username", "email"), CASES)
async def test_stranger_sees_the_same_for_taken_and_for_free(hidden: Api, username: str, email: str) -> None:
    taken = await trace(hidden, username, email)
    free = await trace(hidden, "Free", "free@example.com")

    assert taken == free
    assert [answer["status"] for answer in taken[:3]] == [202, 401, 401]
    assert 429 in [answer["status"] for answer in taken]


async def test_name_of_a_sign_up_is_not_kept_from_others(hidden: Api, services: Services) -> None:
    """A name that is taken afterwards would tell that the address was free."""
    mails = []
    for email in ("abbey@example.com", "free@example.com"):
        wish = {"username": f"Probe of {email.partition('@')[0]}", "password": PASSWORD}
        await hidden.post(SIGN_UP, json=wish | {"email": email})
        await take_mails(services)
        await hidden.post(SIGN_UP, json=wish | {"email": f"own-{email}"})
        mails.append([mail.kind for mail in await take_mails(services)])

    assert mails == [["verify_email"], ["verify_email"]]


@pytest.mark.parametrize(("username", "email"), CASES)
async def test_sign_up_does_the_same_work(hidden: Api, database: Database, username: str, email: str) -> None:
    traces = []
    for wish in ({"username": username, "email": email}, {"username": "Free", "email": "free@example.com"}):
        with statements(database) as found:
            await hidden.post(SIGN_UP, json=wish | {"password": PASSWORD})
        traces.append(found)

    assert traces[0] == traces[1]
    assert len(traces[0]) == 2, traces[0]


@pytest.mark.both_databases
@pytest.mark.parametrize(("username", "email"), CASES)
async def test_sign_up_writes_nothing_that_tells(hidden: Api, database: Database, username: str, email: str) -> None:
    tables = (User, Session, AuditEntry, GuessCounter)

    async def counts() -> list[int]:
        async with database.read() as tx:
            return [await tx.scalar(select(func.count()).select_from(table)) or 0 for table in tables]

    before = await counts()
    await hidden.post(SIGN_UP, json={"username": username, "email": email, "password": PASSWORD})
    await hidden.post(SIGN_UP, json={"username": "Free", "email": "free@example.com", "password": PASSWORD})

    assert await counts() == before


@pytest.mark.parametrize(("username", "email"), CASES)
async def test_mailbox_alone_learns_what_is_taken(hidden: Api, services: Services, username: str, email: str) -> None:
    await hidden.post(SIGN_UP, json={"username": username, "email": email, "password": PASSWORD})

    (mail,) = await take_mails(services)
    assert (mail.kind, mail.address.lower()) == ("sign_up_taken", email.lower())
    assert "gpt_" not in mail.text


@pytest.mark.both_databases
async def test_link_makes_the_account_and_opens_the_sign_in(
    hidden: Api, services: Services, database: Database
) -> None:
    account = {"username": "New Person", "email": "new@example.com", "password": PASSWORD}
    await hidden.post(SIGN_UP, json=account)
    token = await take_link(services, "verify_email")

    assert_problem(
        await hidden.post(SIGN_IN, json={"username": "New Person", "password": PASSWORD}), 401, "invalid_credentials"
    )
    assert (await hidden.post(VERIFY, json={"token": token, "password": PASSWORD})).status_code == 200
    assert_problem(await hidden.post(VERIFY, json={"token": token, "password": PASSWORD}), 400, "link_invalid")

    person = await hidden.sign_in("New Person")
    me = (await hidden.get("/api/users/me", headers=person.headers)).json()
    assert (me["email"], me["emailVerified"], me["roles"]) == ("new@example.com", True, ["ROLE_USER"])
    async with database.read() as tx:
        kept = (await tx.scalars(select(OneTimeToken).where(OneTimeToken.purpose == "sign_up"))).all()
    # The hash of the password lies with the account alone.
    assert [row.data for row in kept] == [{}, {}]


async def test_of_two_sign_ups_for_one_name_the_first_link_wins(hidden: Api, services: Services) -> None:
    tokens = {}
    for email in ("one@example.com", "two@example.com"):
        await hidden.post(SIGN_UP, json={"username": "Wanted", "email": email, "password": PASSWORD})
        tokens[email] = await take_link(services, "verify_email")

    first = await hidden.post(VERIFY, json={"token": tokens["two@example.com"], "password": PASSWORD})
    late = await hidden.post(VERIFY, json={"token": tokens["one@example.com"], "password": PASSWORD})

    assert first.status_code == 200
    assert_problem(late, 400, "username_taken")
    assert (await hidden.sign_in("Wanted")).email == "two@example.com"


async def test_of_two_sign_ups_for_one_address_the_first_link_wins(hidden: Api, services: Services) -> None:
    tokens = []
    for name in ("One", "Two"):
        await hidden.post(SIGN_UP, json={"username": name, "email": "new@example.com", "password": PASSWORD})
        tokens.append(await take_link(services, "verify_email"))

    assert (await hidden.post(VERIFY, json={"token": tokens[0], "password": PASSWORD})).status_code == 200
    assert_problem(await hidden.post(VERIFY, json={"token": tokens[1], "password": PASSWORD}), 400, "email_taken")


async def test_link_can_be_asked_for_again_and_ends_with_its_time(
    hidden: Api, services: Services, clock: FakeClock
) -> None:
    email = {"email": "new@example.com"}
    await hidden.post(SIGN_UP, json={"username": "New", "password": PASSWORD, **email})
    first = await take_link(services, "verify_email")
    await hidden.post("/api/auth/email/resend", json=email)
    assert await take_mails(services) == []
    clock.advance(minutes=2)

    await hidden.post("/api/auth/email/resend", json=email)
    second = await take_link(services, "verify_email")

    assert_problem(await hidden.post(VERIFY, json={"token": first}), 400, "link_invalid")
    clock.advance(hours=48)
    assert_problem(await hidden.post(VERIFY, json={"token": second}), 400, "link_invalid")
    await hidden.post("/api/auth/email/resend", json=email)
    assert await take_mails(services) == []


@pytest.mark.parametrize("neighbour", ["straße@example.com", "STRASSE@example.com", "ｓtrasse@example.com"])
async def test_link_that_is_asked_for_again_goes_to_the_mailbox_of_the_sign_up(
    hidden: Api, services: Services, clock: FakeClock, neighbour: str
) -> None:
    """Two spellings that count as one address may be two people's mailboxes."""
    await hidden.post(SIGN_UP, json={"username": "New", "email": "strasse@example.com", "password": PASSWORD})
    await take_mails(services)
    clock.advance(minutes=2)

    await hidden.post("/api/auth/email/resend", json={"email": neighbour})

    (mail,) = await take_mails(services)
    assert mail.address == "strasse@example.com"


@pytest.mark.both_databases
@pytest.mark.parametrize(("signup", "code"), [("closed", "signup_closed"), ("invite", "invitation_required")])
async def test_link_of_before_makes_no_account_once_sign_up_is_closed(
    hidden: Api, services: Services, make_services: MakeServices, database: Database, signup: str, code: str
) -> None:
    await hidden.post(SIGN_UP, json={"username": "Sent", "email": "sent@example.com", "password": PASSWORD})
    token = await take_link(services, "verify_email")
    closed = make_services(email_verification="required", signup_reveals_taken=False, signup=signup)
    async with started(closed) as app, http_client(app) as client:
        answer = await client.post(VERIFY, json={"token": token, "password": PASSWORD})

    assert_problem(answer, 403, code)
    async with database.read() as tx:
        assert await tx.scalar(select(User.id).where(User.email_canonical == "sent@example.com")) is None


@pytest.mark.parametrize("signup", ["closed", "invite"])
async def test_mail_of_a_sign_up_is_not_sent_once_sign_up_is_closed(make_services: MakeServices, signup: str) -> None:
    hiding = {"email_verification": "required", "signup_reveals_taken": False}
    services = make_services(**hiding)
    async with unattended(services) as api:
        await api.post(SIGN_UP, json={"username": "Waits", "email": "waits@example.com", "password": PASSWORD})

    assert await take_mails(make_services(**hiding, signup=signup)) == []


async def test_who_is_invited_is_told_that_the_name_is_taken(hidden: Api, services: Services) -> None:
    account = NewAccount(parse_username("root"), parse_email("root@example.com"), PASSWORD, is_verified=True)
    await services.identity.accounts.create(account, roles=[RoleName.USER, RoleName.ADMIN])
    root = await hidden.sign_in("root")
    await hidden.post("/api/admin/invitations", headers=root.headers, json={"email": "guest@example.com", "roles": []})
    guest = {"email": "guest@example.com", "password": PASSWORD, "invitation": await take_link(services, "invitation")}

    taken = await hidden.post(SIGN_UP, json=guest | {"username": "Abbey"})
    free = await hidden.post(SIGN_UP, json=guest | {"username": "Guest"})

    assert_problem(taken, 400, "username_taken")
    assert free.status_code == 201
