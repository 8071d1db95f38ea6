"""Mailboxes are not filled, no answer tells what others have asked for, and strangers use up nothing of the owner's."""

import httpx
import pytest
from sqlalchemy import URL

from gatepost.composition.services import Services
from gatepost.core.settings import EmailVerification
from gatepost.identity.accounts.roles import RoleName
from gatepost.mail.repository import Outbox
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import give
from tests.features.recovery.conftest import unattended
from tests.features.throttling.conftest import MakeApi
from tests.support.api import PASSWORD, Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.links import take_link, take_mails

FORGOT = "/api/auth/password/forgot"
RESEND = "/api/auth/email/resend"
INVITATIONS = "/api/admin/invitations"
VARYING = ("x-request-id", "date", "ratelimit")


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return one database: what is limited here is not counted in it."""
    return sqlite_url


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    return make_services(mailbox_rate="2/hour", mailbox_shared_rate="6/hour")


def seen(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return what an answer tells."""
    return (
        answer.status_code,
        answer.content,
        [(name, value) for name, value in answer.headers.items() if name not in VARYING],
    )


async def ask(api: Api, services: Services, clock: FakeClock, path: str, email: str, *, times: int = 1) -> list[str]:
    """Ask so many times, two minutes apart; return the kinds of the mails that came, and see each answer alike."""
    answers = []
    for _ in range(times):
        clock.advance(minutes=2)
        answers.append(await api.post(path, json={"email": email}))
    assert {seen(answer)[:2] for answer in answers} == {seen(answers[0])[:2]}
    assert answers[0].status_code == 202
    return [mail.kind for mail in await take_mails(services)]


@pytest.mark.parametrize(("path", "kind"), [(FORGOT, "reset_password"), (RESEND, "verify_email")])
async def test_stranger_uses_up_a_share_of_their_own(
    api_from: MakeApi, services: Services, clock: FakeClock, path: str, kind: str
) -> None:
    owner = await api_from("198.51.100.1").sign_up()
    await take_mails(services)

    stranger, other = api_from("198.51.100.2"), api_from("198.51.100.3")
    assert await ask(stranger, services, clock, path, owner.email, times=4) == [kind] * 2
    assert await ask(stranger, services, clock, path, owner.email.upper()) == []
    assert await ask(other, services, clock, path, owner.email) == [kind]


async def test_strangers_together_do_not_fill_it_and_leave_the_owner_a_way(
    api_from: MakeApi, services: Services, clock: FakeClock
) -> None:
    home = api_from("198.51.100.1")
    owner = await home.sign_up()
    device = await device_of(home, owner.username)
    await take_mails(services)
    came = [
        kind
        for index in range(10, 20)
        for kind in await ask(api_from(f"198.51.100.{index}"), services, clock, FORGOT, owner.email)
    ]
    assert came == ["reset_password"] * 6

    away = api_from("203.0.113.99")
    away.client.headers["X-Device-Token"] = device
    assert await ask(away, services, clock, FORGOT, owner.email) == ["reset_password"]
    assert await ask(home, services, clock, FORGOT, owner.email) == ["reset_password"]


async def device_of(api: Api, username: str) -> str:
    """Sign in, and return the token of the device."""
    credentials = {"username": username, "password": PASSWORD}
    answer = await api.post("/api/auth/signin", json=credentials, headers={"X-Device-Token": ""})
    assert answer.status_code == 200, answer.text
    token: str = answer.headers["x-device-token"]
    return token


async def test_request_of_a_stranger_that_is_dropped_does_not_count_as_the_owners(
    api_from: MakeApi, services: Services, clock: FakeClock
) -> None:
    owner = await api_from("198.51.100.1").sign_up()
    await take_mails(services)
    stranger = api_from("198.51.100.2")
    assert await ask(stranger, services, clock, FORGOT, owner.email, times=2) == ["reset_password"] * 2
    clock.advance(minutes=2)

    async with services.flows.outbox._round:  # two other workers have one mail each, and the later one is first
        for api in (stranger, api_from("198.51.100.1")):
            await api.post(FORGOT, json={"email": owner.email})
        async with services.platform.database.read() as tx:
            strangers, owners = await Outbox(tx).due(now=clock.now(), limit=2)
        prepare = services.flows.outbox._preparer.prepare

        assert await prepare(owners) is not None
        assert await prepare(strangers) is None


async def test_nobody_closes_the_way_to_one_mail_by_asking_for_another(
    api_from: MakeApi, services: Services, clock: FakeClock
) -> None:
    owner = await api_from("198.51.100.1").sign_up()
    await take_mails(services)
    stranger = api_from("198.51.100.2")
    await ask(stranger, services, clock, RESEND, owner.email, times=4)

    assert await ask(stranger, services, clock, FORGOT, owner.email) == ["reset_password"]


async def test_answer_past_every_limit_is_the_same_for_known_and_unknown_addresses(
    make_services: MakeServices, clock: FakeClock
) -> None:
    services = make_services(mailbox_rate="1/hour", mail_rate="8/hour")
    async with started(services) as app, http_client(app) as client:
        owner = await Api(client).sign_up()
        answers = []
        for email in (owner.email, "nobody@example.com") * 5:
            answers.append(await client.post(FORGOT, json={"email": email}))

    assert [answer.status_code for answer in answers] == [202] * 8 + [429] * 2
    assert seen(answers[0]) == seen(answers[1]) == seen(answers[6]) == seen(answers[7])
    known, unknown = (answer.json() for answer in answers[8:])
    assert {**known, "requestId": ""} == {**unknown, "requestId": ""}
    assert not [answer for answer in answers if "mailbox" in answer.headers["ratelimit-policy"]]


async def test_sign_ups_that_meet_an_account_do_not_fill_its_mailbox(
    make_services: MakeServices, clock: FakeClock
) -> None:
    services = make_services(
        mailbox_rate="2/hour", email_verification=EmailVerification.REQUIRED, signup_reveals_taken=False
    )
    async with started(services) as app, http_client(app) as client:
        body = {"username": "Abbey", "email": "abbey@example.com", "password": PASSWORD}
        await client.post("/api/auth/signup", json=body)
        link = await take_link(services, "verify_email")
        assert (await client.post("/api/auth/email/verify", json={"token": link, "password": PASSWORD})).is_success
        for index in range(5):
            again = await client.post("/api/auth/signup", json={**body, "username": f"Abbey {index}"})
            assert again.status_code == 202

    # The first one took one of the two.
    assert [mail.kind for mail in await take_mails(services)] == ["sign_up_taken"]


async def test_changes_to_the_address_of_somebody_else_do_not_fill_their_mailbox(
    api_from: MakeApi, services: Services
) -> None:
    for index in range(8):
        api = api_from(f"198.51.100.{index}")
        person = await api.sign_up(f"Person {index}")
        body = {"email": "victim@example.com", "currentPassword": PASSWORD}
        answer = await api.post("/api/auth/email/change", headers=person.headers, json=body)
        assert answer.status_code == 202

    mails = [mail for mail in await take_mails(services) if mail.address == "victim@example.com"]

    assert [mail.kind for mail in mails] == ["confirm_new_email"] * 6


@pytest.fixture
async def restless(api: Api, services: Services) -> Api:
    """Return the API to somebody who has signed up with the address of somebody else."""
    await api.sign_up("Nobody", email="victim@example.com")
    await take_mails(services)
    return api


async def test_sign_ins_on_ever_new_devices_do_not_fill_the_mailbox(restless: Api, services: Services) -> None:
    for index in range(5):
        body = {"username": "Nobody", "password": PASSWORD}
        await restless.post("/api/auth/signin", json=body, headers={"User-Agent": f"App{'abcde'[index]}/1.0"})

    assert [mail.kind for mail in await take_mails(services)] == ["new_device"] * 2


async def test_acts_of_an_account_do_not_fill_the_mailbox(restless: Api, services: Services) -> None:
    for _ in range(5):
        person = await restless.sign_in("Nobody")
        await restless.client.request("DELETE", "/api/users/me", headers=person.headers, json={"password": PASSWORD})
        person = await restless.sign_in("Nobody")
        body = {"currentPassword": PASSWORD, "newPassword": PASSWORD}
        await restless.post("/api/auth/password/change", headers=person.headers, json=body)

    kinds = [mail.kind for mail in await take_mails(services)]
    assert kinds.count("password_changed") == 2
    assert kinds.count("deletion_planned") <= 2


async def test_invitations_do_not_fill_a_mailbox(api: Api, services: Services) -> None:
    root = await api.sign_up("Root")
    await give(services.platform.database, root.id, [RoleName.ADMIN])
    root = await api.sign_in("Root")
    await take_mails(services)
    sent = []
    for status in (201, 201, 429, 429):
        body = {"email": "victim@example.com", "roles": []}
        assert (await api.post(INVITATIONS, json=body, headers=root.headers)).status_code == status
        sent += [mail.kind for mail in await take_mails(services)]

    assert sent == ["invitation"] * 2


async def test_invitation_that_would_not_be_sent_is_refused_and_the_earlier_one_stays_good(
    api: Api, services: Services
) -> None:
    root = await api.sign_up("Root")
    await give(services.platform.database, root.id, [RoleName.ADMIN])
    root = await api.sign_in("Root")
    await take_mails(services)
    body = {"email": "guest@example.com", "roles": []}
    for _ in range(2):
        assert (await api.post(INVITATIONS, json=body, headers=root.headers)).status_code == 201
        token = await take_link(services, "invitation")

    refused = await api.post(INVITATIONS, json=body, headers=root.headers)

    assert_problem(refused, 429, "too_many_requests")
    assert refused.headers["ratelimit-policy"] == '"mailbox";q=2;w=3600'
    assert int(refused.headers["retry-after"]) > 0
    guest = {"username": "Guest", "password": PASSWORD, "email": body["email"], "invitation": token}
    assert (await api.post("/api/auth/signup", json=guest)).status_code == 201


async def test_invitation_that_replaces_one_which_has_not_left_is_sent(services: Services) -> None:
    async with unattended(services) as api:
        root = await api.sign_up("Root")
        await give(services.platform.database, root.id, [RoleName.ADMIN])
        root = await api.sign_in("Root")
        await take_mails(services)
        for status in (201, 201, 429):
            body = {"email": "victim@example.com", "roles": []}
            assert (await api.post(INVITATIONS, json=body, headers=root.headers)).status_code == status

    assert [mail.kind for mail in await take_mails(services)] == ["invitation"]


async def test_mail_that_is_tried_again_counts_once(make_services: MakeServices, clock: FakeClock) -> None:
    services = make_services(mailbox_rate="1/hour")
    folder = services.settings.data_dir / "mail"
    folder.touch()
    async with started(services) as app, http_client(app) as client:
        await Api(client).sign_up()
        for _ in range(3):
            await services.flows.outbox.run_once()
            clock.advance(minutes=5)
        folder.unlink()

        assert [mail.kind for mail in await take_mails(services)] == ["verify_email"]
