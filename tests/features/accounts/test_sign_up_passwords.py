"""A sign-up that waits for its link: the link proves the mailbox, and the password whose sign-up it is."""

import pytest

from gatepost.composition.services import Services
from tests.conftest import MakeServices
from tests.support.api import PASSWORD, Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.links import take_link

SIGN_UP, SIGN_IN, VERIFY = "/api/auth/signup", "/api/auth/signin", "/api/auth/email/verify"


@pytest.fixture
async def services(make_services: MakeServices) -> Services:
    return make_services(email_verification="required", signup_reveals_taken=False)


async def test_link_of_a_sign_up_by_somebody_else_makes_no_account_for_them(
    api: Api, services: Services, clock: FakeClock
) -> None:
    """Two mails that look alike: the victim may follow the stranger's, also where she asks for hers again."""
    email = {"email": "victim@example.com"}
    await api.post(SIGN_UP, json={"username": "Victim", "password": "the victim's own", **email})
    own = await take_link(services, "verify_email")
    await api.post(SIGN_UP, json={"username": "Thief", "password": "the thief's own", **email})
    strangers = await take_link(services, "verify_email")
    answers = [await api.post(VERIFY, json={"token": strangers})]
    clock.advance(minutes=2)
    await api.post("/api/auth/email/resend", json=email)
    strangers = await take_link(services, "verify_email")
    answers += [await api.post(VERIFY, json={"token": strangers})]
    answers += [await api.post(VERIFY, json={"token": strangers, "password": "the victim's own"})]

    assert_problem(answers[0], 400, "proof_required")
    assert_problem(answers[1], 400, "proof_required")
    assert_problem(answers[2], 403, "wrong_sign_up_password")
    assert_problem(
        await api.post(SIGN_IN, json={"username": "Thief", "password": "the thief's own"}),
        401,
        "invalid_credentials",
    )
    proved = await api.post(VERIFY, json={"token": own, "password": "the victim's own"})
    assert proved.status_code == 200, proved.text
    assert (await api.sign_in("Victim", password="the victim's own")).email == email["email"]


async def test_password_of_a_sign_up_cannot_be_guessed_and_its_link_stays_good(
    api: Api, services: Services, clock: FakeClock
) -> None:
    await api.post(SIGN_UP, json={"username": "New", "email": "new@example.com", "password": PASSWORD})
    token = await take_link(services, "verify_email")
    for _ in range(5):
        wrong = await api.post(VERIFY, json={"token": token, "password": "a guess"})
        assert_problem(wrong, 403, "wrong_sign_up_password")

    waits = await api.post(VERIFY, json={"token": token, "password": PASSWORD})

    assert_problem(waits, 429, "too_many_attempts")
    clock.advance(seconds=6)
    assert (await api.post(VERIFY, json={"token": token, "password": PASSWORD})).status_code == 200


async def test_guesses_of_a_sign_up_are_counted_for_its_new_link_as_well(
    api: Api, services: Services, clock: FakeClock
) -> None:
    email = {"email": "new@example.com"}
    await api.post(SIGN_UP, json={"username": "New", "password": PASSWORD, **email})
    token = await take_link(services, "verify_email")
    clock.advance(minutes=2)
    for _ in range(5):
        await api.post(VERIFY, json={"token": token, "password": "a guess"})
    await api.post("/api/auth/email/resend", json=email)

    answer = await api.post(VERIFY, json={"token": await take_link(services, "verify_email"), "password": PASSWORD})

    assert_problem(answer, 429, "too_many_attempts")
