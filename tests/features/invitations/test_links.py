"""What the page of an invitation's link learns before anything is typed."""

from datetime import datetime

import pytest
from sqlalchemy import update

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import SignUp
from gatepost.identity.accounts.models import User
from tests.conftest import MakeServices, http_client, started
from tests.features.invitations.conftest import GUEST, INVITATIONS, accept, invited
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock

LINK = "/api/auth/invitation"


async def test_link_names_the_address_and_is_not_used_up(quiet_api: Api, services: Services, owner: Person) -> None:
    token = await invited(quiet_api, services, owner, "moderator")

    for _ in range(2):
        answer = await quiet_api.post(LINK, json={"token": token})

        assert answer.status_code == 200
        assert answer.json().keys() == {"email", "expiresAt"}
        assert answer.json()["email"] == GUEST["email"]
        assert answer.headers["cache-control"] == "no-store"
    assert (await accept(quiet_api, token)).status_code == 201


async def test_link_that_is_no_good_is_told_at_once_and_says_no_more(
    quiet_api: Api, services: Services, owner: Person, clock: FakeClock
) -> None:
    used = await invited(quiet_api, services, owner)
    await accept(quiet_api, used)
    told = [await quiet_api.post(LINK, json={"token": token}) for token in (used, "gpt_never", used.upper())]

    await quiet_api.post(INVITATIONS, headers=owner.headers, json={"email": "other@example.com", "roles": []})
    clock.advance(days=30)
    for answer in told:
        assert_problem(answer, 400, "invitation_invalid")
        assert GUEST["email"] not in answer.text
    assert_problem(await quiet_api.post(LINK, json={"token": ""}), 422, "validation_failed")


async def test_link_is_asked_what_accepting_it_would_be(
    quiet_api: Api, services: Services, owner: Person, clock: FakeClock, database: Database
) -> None:
    token = await invited(quiet_api, services, owner, "moderator")

    identifier = (await quiet_api.get(INVITATIONS, headers=owner.headers)).json()[0]["id"]
    await quiet_api.delete(f"{INVITATIONS}/{identifier}", headers=owner.headers)
    assert_problem(await quiet_api.post(LINK, json={"token": token}), 400, "invitation_invalid")

    replaced = await invited(quiet_api, services, owner)
    newer = await invited(quiet_api, services, owner, "moderator")
    assert_problem(await quiet_api.post(LINK, json={"token": replaced}), 400, "invitation_invalid")
    assert (await quiet_api.post(LINK, json={"token": newer})).status_code == 200

    await set_disabled(database, owner.id, clock.now())
    assert_problem(await quiet_api.post(LINK, json={"token": newer}), 400, "invitation_invalid")
    await set_disabled(database, owner.id, None)
    assert (await quiet_api.post(LINK, json={"token": newer})).status_code == 200
    clock.advance(days=30)
    assert_problem(await quiet_api.post(LINK, json={"token": newer}), 400, "invitation_invalid")


async def test_address_that_has_an_account_by_now_is_told(quiet_api: Api, services: Services, owner: Person) -> None:
    token = await invited(quiet_api, services, owner)
    await quiet_api.sign_up("Guest", email=GUEST["email"])

    assert_problem(await quiet_api.post(LINK, json={"token": token}), 400, "email_taken")


@pytest.mark.parametrize("policy", [SignUp.CLOSED, SignUp.INVITE])
async def test_link_follows_who_may_sign_up(make_services: MakeServices, policy: SignUp) -> None:
    async with started(make_services(signup=policy)) as app, http_client(app) as client:
        answer = await client.post(LINK, json={"token": "gpt_never"})

    if policy is SignUp.CLOSED:
        assert_problem(answer, 403, "signup_closed")
    else:
        assert_problem(answer, 400, "invitation_invalid")


async def test_tokens_cannot_be_tried_without_end(make_services: MakeServices) -> None:
    async with started(make_services(link_rate="5/hour")) as app, http_client(app) as client:
        statuses = {(await client.post(LINK, json={"token": f"gpt_{number}"})).status_code for number in range(10)}

    assert statuses == {400, 429}


async def set_disabled(database: Database, user_id: int, at: datetime | None) -> None:
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == user_id).values(disabled_at=at))
