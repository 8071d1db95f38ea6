"""Signing in, and signing up, with a code by mail or the link beside it."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import func, select, update

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.db.tables import Base
from gatepost.core.settings import EmailSignIn, EmailVerification, SignUp
from gatepost.identity.accounts.models import User
from gatepost.identity.links.models import EmailCode
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, Person, assert_problem, bearer
from tests.support.clock import FakeClock
from tests.support.email_codes import COOKIE, EMAIL, LINK, SIGN_IN, Tab, wrong
from tests.support.factors import begin_sign_in, go_on, prove_address, set_up_app
from tests.support.links import take_mails
from tests.support.statements import statements
from tests.support.workers import claims

SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Version/26.0 Mobile/15E148 Safari/604.1"
NEWCOMER = "heba@example.com"
ASK = "/api/auth/email-code"

NewTab = Callable[..., Tab]


@pytest.fixture
def new_tab(api: Api, services: Services) -> NewTab:
    """Return what opens a browser."""
    return lambda **how: Tab(api, services, **how)


@pytest.fixture
def tab(new_tab: NewTab) -> Tab:
    """Return a browser."""
    return new_tab()


@pytest.fixture
async def owner(api: Api, services: Services) -> Person:
    """Return somebody with a password, whose address is proved."""
    person = await api.sign_up()
    await prove_address(services, person)
    await take_mails(services)
    return person


@pytest.mark.both_databases
async def test_code_signs_its_owner_in_by_one_factor(tab: Tab, owner: Person, api: Api, database: Database) -> None:
    answer = await tab.signed_in()

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["id"], body["username"], body["email"]) == (owner.id, owner.username, owner.email)
    said = claims(body["accessToken"])
    assert (said["acr"], said["amr"]) == ("urn:gatepost:acr:1", ["email"])
    assert (await api.user_board(body["accessToken"])).status_code == 200
    assert (await api.refresh(body["refreshToken"])).status_code == 200
    async with database.read() as tx:
        session = (await tx.scalars(select(Session).where(Session.amr == "email"))).one()
    assert [proof["by"] for proof in session.proofs or ()] == ["email_code"]


@pytest.mark.both_databases
async def test_code_of_an_unknown_address_makes_its_account(tab: Tab, api: Api, database: Database) -> None:
    mail = await tab.asked(NEWCOMER)
    assert "create an account" in mail.text

    answer = await tab.enter(mail.code, NEWCOMER)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["username"], body["email"], body["roles"]) == ("heba", NEWCOMER, ["ROLE_USER"])
    async with database.read() as tx:
        user = (await tx.scalars(select(User))).one()
    assert user.email_verified_at is not None
    assert not user.has_password
    assert (await api.user_board(body["accessToken"])).status_code == 200


async def test_account_made_by_a_code_is_signed_in_to_by_the_next(tab: Tab) -> None:
    first = (await tab.signed_in(NEWCOMER)).json()
    again = await tab.signed_in(NEWCOMER)

    assert (again.status_code, again.json()["id"]) == (200, first["id"])


@pytest.mark.parametrize("signup", [SignUp.INVITE, SignUp.CLOSED])
async def test_unknown_address_gets_no_mail_where_nobody_may_sign_up(
    make_services: MakeServices, signup: SignUp
) -> None:
    services = make_services(signup=signup)
    async with started(services) as app, http_client(app) as client:
        tab = Tab(Api(client), services)

        answer = await tab.ask(NEWCOMER)

        assert await take_mails(services) == []
        assert_problem(await tab.enter("000000", NEWCOMER), 401, "invalid_code")
        assert answer.json() == (await tab.ask()).json()


async def test_code_asked_for_before_sign_up_was_closed_makes_no_account(
    make_services: MakeServices, database: Database
) -> None:
    before, now = make_services(), make_services(signup=SignUp.CLOSED)
    async with started(before) as app, http_client(app) as client:
        tab = Tab(Api(client), before)
        mail = await tab.asked(NEWCOMER)
    async with started(now) as app, http_client(app) as client:
        tab.api = Api(client)

        assert_problem(await tab.enter(mail.code, NEWCOMER), 403, "signup_closed")

    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(User)) == 0


async def test_address_that_no_mail_can_reach_makes_no_account(tab: Tab, services: Services) -> None:
    await tab.ask("heba@company.test")

    assert await take_mails(services) == []


async def test_code_is_good_in_the_browser_that_asked_for_it_alone(tab: Tab, new_tab: NewTab, owner: Person) -> None:
    mail, other = await tab.asked(), new_tab()

    assert_problem(await other.enter(mail.code), 401, "invalid_code")
    await other.ask()
    assert_problem(await other.enter(mail.code), 401, "invalid_code")
    assert (await tab.enter(mail.code)).status_code == 200


async def test_code_works_once(tab: Tab, owner: Person) -> None:
    cookie, mail = tab.cookie, await tab.asked()
    cookie = tab.cookie
    assert (await tab.enter(mail.code)).status_code == 200
    tab.cookie = cookie

    assert_problem(await tab.enter(mail.code), 401, "invalid_code")
    assert_problem(await tab.follow(mail.token), 401, "invalid_code")


async def test_new_code_makes_the_one_before_void(tab: Tab, owner: Person) -> None:
    first = await tab.asked()
    second = await tab.asked()

    if first.code != second.code:
        assert_problem(await tab.enter(first.code), 401, "invalid_code")
    assert_problem(await tab.follow(first.token, elsewhere=True), 401, "invalid_code")
    assert (await tab.enter(second.code)).status_code == 200


async def test_stranger_who_asks_as_well_makes_nobodys_code_void(tab: Tab, new_tab: NewTab, owner: Person) -> None:
    mail = await tab.asked()
    await new_tab().asked()

    assert (await tab.enter(mail.code)).status_code == 200


async def test_code_expires_after_ten_minutes(tab: Tab, owner: Person, clock: FakeClock) -> None:
    mail = await tab.asked()
    clock.advance(minutes=10)

    assert_problem(await tab.enter(mail.code), 401, "invalid_code")
    assert_problem(await tab.follow(mail.token), 401, "invalid_code")
    assert_problem(await tab.look(mail.token), 401, "invalid_code")


async def test_code_may_be_typed_with_spaces_and_hyphens(tab: Tab, owner: Person) -> None:
    code = (await tab.asked()).code

    assert (await tab.enter(f" {code[:3]}-{code[3:]} ")).status_code == 200


async def test_sixth_code_is_refused_and_the_link_still_works(tab: Tab, owner: Person, clock: FakeClock) -> None:
    mail = await tab.asked()
    for _ in range(5):
        assert_problem(await tab.enter(wrong(mail.code)), 401, "invalid_code")
    clock.advance(minutes=1)  # the wait of the address is over
    assert_problem(await tab.enter(mail.code), 401, "invalid_code")

    assert (await tab.follow(mail.token)).status_code == 200


@pytest.mark.both_databases
async def test_wrong_codes_count_for_the_address_whoever_asked_for_them(
    new_tab: NewTab, owner: Person, clock: FakeClock
) -> None:
    for address in (EMAIL, NEWCOMER):
        tabs = [new_tab() for _ in range(5)]
        mails = [await tab.asked(address) for tab in tabs]
        for tab, mail in zip(tabs, mails, strict=True):
            assert_problem(await tab.enter(wrong(mail.code), address), 401, "invalid_code")

        waits = assert_problem(await tabs[0].enter(mails[0].code, address), 429, "too_many_attempts")
        clock.advance(seconds=5)

        assert waits["code"] == "too_many_attempts"
        assert (await tabs[0].enter(mails[0].code, address)).status_code == 200


async def test_strangers_do_not_lock_out_a_device_of_the_owner(
    tab: Tab, new_tab: NewTab, api: Api, owner: Person
) -> None:
    body = {"username": owner.username, "password": PASSWORD}
    known = await api.post("/api/auth/signin", json=body, headers={"X-Device-Token": ""})
    at_home = new_tab(headers={"X-Device-Token": known.headers["X-Device-Token"]})
    mail = await tab.asked()
    for _ in range(5):
        await tab.enter(wrong(mail.code))

    assert (await at_home.signed_in()).status_code == 200


@pytest.mark.both_databases
async def test_of_two_uses_of_one_code_at_once_one_opens_a_session(tab: Tab, owner: Person, database: Database) -> None:
    mail = await tab.asked()

    answers = await asyncio.gather(tab.enter(mail.code), tab.enter(mail.code), tab.follow(mail.token))

    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(Session).where(Session.amr == "email")) == 1


@pytest.mark.both_databases
async def test_of_two_first_codes_of_one_address_at_once_one_makes_the_account(
    new_tab: NewTab, database: Database
) -> None:
    tabs = [new_tab() for _ in range(2)]
    mails = [await tab.asked(NEWCOMER) for tab in tabs]

    answers = await asyncio.gather(*(tab.enter(mail.code, NEWCOMER) for tab, mail in zip(tabs, mails, strict=True)))

    assert sorted(answer.status_code for answer in answers) == [200, 401]
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(User)) == 1


async def test_second_factor_is_asked_for(tab: Tab, api: Api, services: Services, owner: Person) -> None:
    app = await set_up_app(api, services, owner)
    services.platform.clock.advance(minutes=1)  # type: ignore[attr-defined]  # the clock of tests

    body = assert_problem(await tab.signed_in(), 401, "second_factor_required")
    assert body["methods"] == ["totp", "recovery_code"]
    signed_in = await go_on(api, body["pendingToken"], app.code(services.platform.clock.now()))

    assert signed_in.status_code == 200, signed_in.text
    said = claims(signed_in.json()["accessToken"])
    assert (said["acr"], said["amr"]) == ("urn:gatepost:acr:2", ["email", "otp", "mfa"])


async def test_disabled_account_is_sent_nothing_and_refused(
    tab: Tab, services: Services, owner: Person, database: Database, clock: FakeClock
) -> None:
    mail = await tab.asked()
    async with database.begin() as tx:
        await tx.execute(update(User).values(disabled_at=clock.now()))

    assert_problem(await tab.enter(mail.code), 403, "account_disabled")
    await tab.ask()
    assert await take_mails(services) == []


async def test_code_proves_the_address(make_services: MakeServices, database: Database) -> None:
    services = make_services(email_verification=EmailVerification.REQUIRED)
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        body = {"username": "Abbey Salami", "email": EMAIL, "password": PASSWORD}
        assert (await api.post("/api/auth/signup", json=body)).status_code == 202
        tab = Tab(api, services)

        assert (await tab.signed_in()).status_code == 200

        async with database.read() as tx:
            user = (await tx.scalars(select(User))).one()
        assert user.email_verified_at is not None
        # Whoever has chosen it had not shown that the address is theirs.
        assert not user.has_password


async def test_unproved_account_is_taken_back_from_whoever_made_it(tab: Tab, api: Api) -> None:
    squatter = await api.sign_up()

    assert (await tab.signed_in()).status_code == 200

    assert (await api.user_board(squatter.access_token)).status_code == 401
    assert_problem(await begin_sign_in(api, squatter), 401, "invalid_credentials")


async def test_mail_goes_to_the_address_as_its_owner_wrote_it(tab: Tab, api: Api, owner: Person) -> None:
    # In full width it may be another mailbox.
    mail = await tab.asked(EMAIL.replace("abbey", "\uff41bbey"))

    assert mail.address == EMAIL


@pytest.mark.both_databases
async def test_same_link_signs_in_where_it_was_asked_for_and_nowhere_else(
    tab: Tab, new_tab: NewTab, owner: Person
) -> None:
    mail, phone = await tab.asked(), new_tab(agent=SAFARI)

    assert_problem(await phone.follow(mail.token), 401, "invalid_code")
    assert_problem(await phone.follow(mail.token, elsewhere=False), 401, "invalid_code")
    assert (await tab.follow(mail.token)).status_code == 200


async def test_link_tells_who_asks_and_from_where_and_is_not_used_up(
    tab: Tab, new_tab: NewTab, owner: Person, clock: FakeClock
) -> None:
    mail, phone = await tab.asked(), new_tab(agent=SAFARI)
    asked_at = clock.now()
    clock.advance(minutes=2)

    here, there = await tab.look(mail.token), await phone.look(mail.token)

    told = {
        "sameBrowser": True, "email": EMAIL, "device": "Firefox on Linux", "address": "203.0.113.7",
        "at": asked_at.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip
    assert (here.status_code, here.json()) == (200, told)
    assert there.json() == told | {"sameBrowser": False}
    assert (await tab.follow(mail.token)).status_code == 200


async def test_link_signs_another_device_in_when_its_owner_says_so(tab: Tab, new_tab: NewTab, owner: Person) -> None:
    mail, phone = await tab.asked(), new_tab(agent=SAFARI)

    assert (await phone.follow(mail.token, elsewhere=True)).status_code == 200
    assert_problem(await tab.enter(mail.code), 401, "invalid_code")


async def test_asking_sets_an_unreadable_cookie_that_signing_in_takes_back(tab: Tab, owner: Person) -> None:
    asked = await tab.ask()
    [cookie] = asked.headers.get_list("set-cookie")
    [mail] = await take_mails(tab.services)
    answer = await tab.enter(mail.code)

    assert cookie.startswith(f"{COOKIE}=")
    assert {part.strip() for part in cookie.split(";")[1:]} == {"HttpOnly", "Max-Age=600", "Path=/", "SameSite=lax"}
    assert [text for text in answer.headers.get_list("set-cookie") if text.startswith(f'{COOKIE}=""; ')]


async def test_two_cookies_of_the_name_are_none(tab: Tab, owner: Person) -> None:
    mail = await tab.asked()
    tab.cookie = f"{tab.cookie}; {COOKIE}=planted"

    assert_problem(await tab.enter(mail.code), 401, "invalid_code")


async def test_answer_is_the_same_for_every_address(tab: Tab, services: Services, owner: Person) -> None:
    answers = [await tab.ask(address) for address in (EMAIL, NEWCOMER)]
    await take_mails(services)
    answers += [await tab.enter("no code", address) for address in (EMAIL, NEWCOMER)]

    bodies = [{**answer.json(), "requestId": ""} for answer in answers]
    assert bodies[0] == bodies[1]
    assert bodies[2] == bodies[3]
    assert {answer.status_code for answer in answers[:2]} == {202}
    assert {answer.status_code for answer in answers[2:]} == {401}


async def test_asking_and_a_wrong_code_take_the_same_statements_for_every_address(
    tab: Tab, services: Services, owner: Person, database: Database
) -> None:
    made: dict[str, list[list[str]]] = {"ask": [], "enter": []}
    for address in (EMAIL, NEWCOMER):
        with statements(database) as found:
            await tab.ask(address)
        made["ask"].append(found)
        await take_mails(services)
        with statements(database) as found:
            await tab.enter("no code", address)
        made["enter"].append(found)

    assert made["ask"][0] == made["ask"][1]
    assert made["enter"][0] == made["enter"][1]
    assert len(made["ask"][0]) == 4


BODIES = [
    {},
    {"email": EMAIL},
    {"code": "123456"},
    {"email": EMAIL, "code": "123456", "token": "gpt_x"},
    {"email": EMAIL, "token": "gpt_x"},
    {"email": EMAIL, "code": "123456", "elsewhere": True},
    {"elsewhere": True},
]


async def test_body_has_a_code_or_a_token(api: Api) -> None:
    for body in BODIES:
        answer = await api.post(SIGN_IN, json=body)
        assert_problem(answer, 422, "validation_failed")


async def test_nothing_is_there_where_it_is_turned_off(make_services: MakeServices, database: Database) -> None:
    services = make_services(email_sign_in=EmailSignIn.OFF)
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        await api.sign_up()
        bodies = [
            (ASK, {"email": EMAIL}),
            (SIGN_IN, {"email": EMAIL, "code": "123456"}),
            (LINK, {"token": "gpt_x"}),
        ]

        for path, body in bodies:
            answer = await api.post(path, json=body)
            assert_problem(answer, 404, "email_sign_in_off")
            assert not answer.headers.get_list("set-cookie")

    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(EmailCode)) == 0


async def test_session_and_the_wrong_codes_before_it_are_in_the_audit_log(
    tab: Tab, owner: Person, database: Database
) -> None:
    mail = await tab.asked()
    await tab.enter(wrong(mail.code))
    await tab.enter(mail.code)

    async with database.read() as tx:
        query = select(AuditEntry.event, AuditEntry.user_id, AuditEntry.details).order_by(AuditEntry.id)
        told = [tuple(row) for row in await tx.execute(query)]
    assert ("sign_in.failed", owner.id, {"reason": "wrong_code"}) in told
    assert told[-1][:2] == ("session.opened", owner.id)
    assert told[-1][2]["amr"] == "email"


async def test_owner_is_told_of_a_new_device(tab: Tab, new_tab: NewTab, api: Api, services: Services) -> None:
    made = await tab.signed_in(NEWCOMER)
    assert made.status_code == 200
    assert await take_mails(services) == []  # not of the first

    phone = new_tab(agent=SAFARI)
    assert (await phone.signed_in(NEWCOMER)).status_code == 200

    [mail] = await take_mails(services)
    assert (mail.kind, mail.address) == ("new_device", NEWCOMER)


async def test_mailbox_gets_so_many_codes(make_services: MakeServices) -> None:
    services = make_services(mailbox_rate="3/hour")
    async with started(services) as app, http_client(app) as client:
        for _ in range(5):
            await Tab(Api(client), services).ask(NEWCOMER)

        assert len(await take_mails(services)) == 3


async def test_one_address_asks_for_so_many_mails(make_services: MakeServices) -> None:
    services = make_services(mail_rate="2/hour")
    async with started(services) as app, http_client(app) as client:
        tab = Tab(Api(client), services)
        await tab.ask()
        await tab.ask(NEWCOMER)

        assert_problem(await tab.api.post(ASK, json={"email": "third@example.com"}), 429, "too_many_requests")


async def test_operator_ends_the_wait_of_an_address(tab: Tab, services: Services, owner: Person) -> None:
    mail = await tab.asked()
    for _ in range(5):
        await tab.enter(wrong(mail.code))
    fresh = await tab.asked()
    assert_problem(await tab.enter(fresh.code), 429, "too_many_attempts")

    await services.admin.unlocker.run(names=[owner.username], addresses=[])

    assert (await tab.enter(fresh.code)).status_code == 200


async def test_owner_can_see_that_a_code_was_asked_for(tab: Tab, api: Api, owner: Person) -> None:
    mail = await tab.asked()

    text = (await api.get("/api/users/me/export", headers=owner.headers)).text

    [told] = json.loads(text)["emailCodes"]
    assert (told["userAgent"], told["address"]) == (tab.agent, "203.0.113.7")
    assert mail.code not in json.dumps(told)


async def test_code_is_void_after_a_restore(tab: Tab, services: Services, owner: Person) -> None:
    mail = await tab.asked()

    await services.operations.restoring.run(account_gap=10)

    assert_problem(await tab.enter(mail.code), 401, "invalid_code")
    assert_problem(await tab.follow(mail.token), 401, "invalid_code")


async def test_code_and_link_are_in_the_mail_and_nowhere_else(
    tab: Tab, services: Services, owner: Person, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    answers: list[httpx.Response] = [await tab.ask()]
    [mail] = await take_mails(services)
    answers += [await tab.look(mail.token), await tab.enter(mail.code)]

    secrets = (mail.code, mail.token)
    said = [answer.text + json.dumps(dict(answer.headers)) for answer in answers]
    async with database.read() as tx:
        for table in Base.metadata.sorted_tables:
            said += [str(tuple(row)) for row in await tx.execute(select(table))]
    # Moments have six digits at their end.
    found = [text for text in [*said, caplog.text] for secret in secrets if _has(text, secret)]
    assert found == []


def _has(text: str, secret: str) -> bool:
    """Whether a text has a secret, but within a longer number or word."""
    before, found, after = text.partition(secret)
    return bool(found) and not (before[-1:].isalnum() or before[-1:] == "." or after[:1].isalnum())


async def test_person_is_signed_in_by_cookies_where_that_is_asked_for(tab: Tab, api: Api) -> None:
    mail = await tab.asked(NEWCOMER)
    body = {"email": NEWCOMER, "code": mail.code}
    headers = {"Cookie": f"{COOKIE}={tab.cookie}"}

    answer = await api.post(f"{SIGN_IN}?transport=cookie", json=body, headers=headers)

    assert answer.json()["accessToken"] is None
    assert (await api.get("/api/users/me", headers=bearer(answer.cookies["gatepost_access"]))).status_code == 200
