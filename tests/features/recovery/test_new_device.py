"""The mail about a sign-in from a new device, and "this was not me"."""

from gatepost.composition.services import Services
from tests.support.api import PASSWORD, Api, assert_problem, bearer
from tests.support.clock import FakeClock
from tests.support.factors import prove_address
from tests.support.links import take_mails

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEWER_FIREFOX = FIREFOX.replace("140.0", "141.0")
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)


async def sign_in_with(api: Api, user_agent: str) -> dict[str, str]:
    answer = await api.post(
        "/api/auth/signin",
        json={"username": "Abbey Salami", "password": PASSWORD},
        headers={"User-Agent": user_agent},
    )
    assert answer.status_code == 200
    body: dict[str, str] = answer.json()
    return body


async def test_first_sign_in_from_a_device_is_told(api: Api, services: Services) -> None:
    person = await api.sign_up()
    await take_mails(services)

    await sign_in_with(api, FIREFOX)

    mails = await take_mails(services)
    assert [(mail.kind, mail.address) for mail in mails] == [("new_device", person.email)]
    assert "Firefox on Linux" in mails[0].text
    assert "203.0.113.7" in mails[0].text


async def test_known_device_and_its_next_version_are_not(api: Api, services: Services) -> None:
    await api.sign_up()
    await sign_in_with(api, FIREFOX)
    await take_mails(services)

    await sign_in_with(api, FIREFOX)
    await sign_in_with(api, NEWER_FIREFOX)

    assert await take_mails(services) == []


async def test_not_me_ends_the_sessions_of_that_device_and_starts_a_reset(
    api: Api, services: Services, clock: FakeClock
) -> None:
    person = await api.sign_up()
    await prove_address(services, person)
    clock.advance(seconds=1)
    stranger = await sign_in_with(api, IPHONE)
    once_more = await sign_in_with(api, IPHONE)
    warning = next(mail for mail in await take_mails(services) if mail.kind == "new_device")

    assert (await api.post("/api/auth/not-me", json={"token": warning.token})).status_code == 200

    for answer in (stranger, once_more):
        assert_problem(await api.user_board(answer["accessToken"]), 401, "token_revoked")
    assert (await api.user_board(person.access_token)).status_code == 200
    again = await api.post("/api/auth/signin", json={"username": person.username, "password": PASSWORD})
    assert_problem(again, 401, "invalid_credentials")
    assert [mail.kind for mail in await take_mails(services)] == ["reset_password"]


async def test_not_me_ends_what_began_after_the_session_that_was_told_and_nothing_before(
    api: Api, services: Services, clock: FakeClock
) -> None:
    """Ids of sessions are not in order: a test by their order would confuse half of the eight on each side."""
    await prove_address(services, await api.sign_up())
    own = [await sign_in_with(api, FIREFOX) for _ in range(8)]
    await take_mails(services)
    clock.advance(seconds=1)
    told = await sign_in_with(api, IPHONE)
    warning = next(mail for mail in await take_mails(services) if mail.kind == "new_device")
    clock.advance(seconds=1)
    later = [await sign_in_with(api, f"Tool{number}/1.0") for number in range(8)]

    assert (await api.post("/api/auth/not-me", json={"token": warning.token})).status_code == 200

    for answer in (told, *later):
        assert_problem(await api.user_board(answer["accessToken"]), 401, "token_revoked")
    for answer in own:
        assert (await api.user_board(answer["accessToken"])).status_code == 200


async def test_not_me_is_said_once(api: Api, services: Services) -> None:
    await api.sign_up()
    await sign_in_with(api, IPHONE)
    warning = next(mail for mail in await take_mails(services) if mail.kind == "new_device")
    await api.post("/api/auth/not-me", json={"token": warning.token})

    assert_problem(await api.post("/api/auth/not-me", json={"token": warning.token}), 400, "link_invalid")


async def test_not_me_voids_what_the_stranger_has_asked_for(api: Api, services: Services) -> None:
    await api.sign_up()
    await take_mails(services)
    stranger = await sign_in_with(api, IPHONE)
    await api.post(
        "/api/auth/email/change",
        headers=bearer(stranger["accessToken"]),
        json={"email": "stranger@example.com", "currentPassword": PASSWORD},
    )
    await api.post("/api/auth/password/forgot", json={"email": "abbey.salami@example.com"})
    mails = {mail.kind: mail for mail in await take_mails(services)}

    assert (await api.post("/api/auth/not-me", json={"token": mails["new_device"].token})).status_code == 200

    taken = await api.post("/api/auth/email/verify", json={"token": mails["confirm_new_email"].token})
    assert_problem(taken, 400, "link_invalid")
    # Although a link went out a moment ago, which is void now.
    assert [mail.kind for mail in await take_mails(services)] == ["reset_password"]
