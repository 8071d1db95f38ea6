"""The state of an authorization: of one browser, one provider, and good once."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import select

from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.external.models import PendingAuthorization
from gatepost.identity.external.states import States
from gatepost.identity.sessions.models import Session
from tests.conftest import SECRET, MakeServices, http_client, started
from tests.support.api import Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.external import COOKIE, PATH, FakeProvider, Visitor, outcome, set_up, signed_in


async def accounts_in(database: Database) -> int:
    async with database.read() as tx:
        return len((await tx.scalars(select(User))).all())


async def test_a_callback_in_another_browser_signs_nobody_in(
    visitor: Visitor, stranger: Visitor, provider: FakeProvider, database: Database
) -> None:
    """Else somebody could lead others into an account of their own, or be led there."""
    state = await visitor.go()

    assert outcome(await stranger.come_back(state)) == "expired"
    await stranger.go()
    assert outcome(await stranger.come_back(state)) == "expired"

    assert provider.answers == []
    assert await accounts_in(database) == 0
    assert (await visitor.come_back(state)).headers["location"] == "http://localhost:8080/account"


async def test_a_state_is_good_once(visitor: Visitor, provider: FakeProvider) -> None:
    state = await visitor.go()
    await visitor.come_back(state)

    assert outcome(await visitor.come_back(state)) == "expired"

    assert len(provider.answers) == 1


async def test_a_state_is_used_up_where_the_provider_fails(visitor: Visitor) -> None:
    state = await visitor.go()
    assert outcome(await visitor.come_back(state, code="of somebody else")) == "failed"

    assert outcome(await visitor.come_back(state)) == "expired"


async def test_a_state_is_good_for_ten_minutes(visitor: Visitor, clock: FakeClock) -> None:
    early, late = await visitor.go(), await visitor.go()

    clock.advance(seconds=599)
    assert (await visitor.come_back(early)).headers["location"] == "http://localhost:8080/account"
    clock.advance(seconds=1)
    assert outcome(await visitor.come_back(late)) == "expired"


@pytest.mark.parametrize("state", ["", "x", "x" * 5000, "å" * 76, "A" * 32 + "." + "B" * 43])
async def test_a_state_that_is_none_of_ours_is_refused(visitor: Visitor, provider: FakeProvider, state: str) -> None:
    await visitor.start()

    assert outcome(await visitor.come_back(state)) == "expired"

    assert provider.answers == []


async def test_a_state_of_one_provider_is_none_at_another(
    visitor: Visitor, services: object, provider: FakeProvider, database: Database
) -> None:
    other = FakeProvider(name="other")
    set_up(services, provider, other)  # type: ignore[arg-type]
    state = await visitor.go()

    assert outcome(await visitor.come_back(state, to="other")) == "expired"

    assert (provider.answers, other.answers) == ([], [])
    assert await accounts_in(database) == 0


async def test_what_a_provider_gets_belongs_to_the_state(visitor: Visitor, provider: FakeProvider) -> None:
    await visitor.visit()
    await visitor.visit()

    for request, answer in zip(provider.requests, provider.answers, strict=True):
        assert (answer.nonce, answer.redirect_uri) == (request.nonce, request.redirect_uri)
        assert request.redirect_uri == "http://localhost:8080/api/auth/providers/acme/callback"
        assert answer.code_verifier not in (request.state, request.nonce)
        assert 43 <= len(answer.code_verifier) <= 128
    assert len({request.state for request in provider.requests}) == 2
    assert len({answer.code_verifier for answer in provider.answers}) == 2


async def test_nothing_that_a_thief_of_the_table_could_use_is_stored(
    visitor: Visitor, provider: FakeProvider, database: Database
) -> None:
    state = await visitor.go()

    async with database.read() as tx:
        row = (await tx.scalars(select(PendingAuthorization))).one()
    stored = str([getattr(row, column.name) for column in PendingAuthorization.__table__.columns])
    secret = {state, provider.requests[0].nonce, visitor.client.cookies[COOKIE]}
    assert not any(text in stored for text in secret)


async def test_states_of_the_secret_key_before_are_good() -> None:
    before, now = States(SecretKeys("one" * 20)), States(SecretKeys("two" * 20, "one" * 20))
    state = before.new()

    read = now.read(state.text)

    assert read == state
    assert States(SecretKeys(SECRET)).read(state.text) is None


async def test_two_tabs_of_a_browser_come_back_each(visitor: Visitor, provider: FakeProvider) -> None:
    first, second = await visitor.go(returnTo="/one"), await visitor.go(returnTo="/two")

    assert (await visitor.come_back(second)).headers["location"].endswith("/two")
    assert (await visitor.come_back(first)).headers["location"].endswith("/one")


async def test_a_provider_that_was_taken_out_meanwhile_signs_nobody_in(
    visitor: Visitor, services: object, database: Database
) -> None:
    state = await visitor.go()
    set_up(services)  # type: ignore[arg-type]

    assert outcome(await visitor.come_back(state)) == "unavailable"
    assert_problem(await visitor.go_on(), 401, "provider_sign_in_invalid")

    assert await accounts_in(database) == 0


async def test_a_page_of_another_site_begins_nothing_and_continues_nothing(visitor: Visitor) -> None:
    for path in ("/acme/start", "/continue", "/email", "/signup"):
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
            body = {"purpose": "signin", "email": "a@example.com", "code": "123456"}
            fields = {"/acme/start": ("purpose",), "/email": ("email",), "/signup": ("email", "code")}.get(path, ())
            answer = await visitor.client.post(PATH + path, json={name: body[name] for name in fields}, headers=headers)
            assert_problem(answer, 403, "cross_site_request")


async def test_nothing_begins_by_an_address_that_is_followed(api: Api, provider: FakeProvider) -> None:
    assert_problem(await api.get(f"{PATH}/acme/start"), 405, "method_not_allowed")


async def test_a_form_of_the_provider_leads_to_the_same_address_with_the_cookies(
    visitor: Visitor, stranger: Visitor, provider: FakeProvider
) -> None:
    """Browsers send no Lax cookies with a form that a page of another site posts."""
    state = await visitor.go()
    form = {"state": state, "code": f"code of {state}", "user": '{"name": {}}', "id_token": "x"}

    bounced = await stranger.client.post(
        f"{PATH}/acme/callback", data=form, headers={"origin": "https://login.acme.example"}
    )

    assert bounced.status_code == 303
    assert "id_token" not in bounced.headers["location"]
    assert "set-cookie" not in bounced.headers
    answer = await visitor.client.get(bounced.headers["location"])
    assert answer.headers["location"] == "http://localhost:8080/account"
    assert provider.answers[0].user == '{"name": {}}'


async def test_what_is_too_long_is_not_looked_at(visitor: Visitor, provider: FakeProvider) -> None:
    state = await visitor.go()

    answer = await visitor.come_back(state, code="c" * 5000)

    assert outcome(answer) == "failed"
    assert provider.answers == []


async def test_two_cookies_of_one_name_are_as_good_as_none(visitor: Visitor) -> None:
    state = await visitor.go()
    cookie = visitor.client.cookies[COOKIE]
    visitor.client.cookies.clear()

    answer = await visitor.client.get(
        f"{PATH}/acme/callback",
        params={"state": state, "code": f"code of {state}"},
        headers={"cookie": f"{COOKIE}={'A' * 43}; {COOKIE}={cookie}"},
    )

    assert outcome(answer) == "expired"


@pytest.mark.both_databases
async def test_of_equal_callbacks_at_once_one_signs_in(
    make_services: MakeServices, provider: FakeProvider, visitor: Visitor, database: Database
) -> None:
    state = await visitor.go()
    other = make_services()
    set_up(other, provider)
    async with started(other) as app, http_client(app) as client:
        client.headers["cookie"] = f"{COOKIE}={visitor.client.cookies[COOKIE]}"
        twin = Visitor(client, provider)

        answers = await asyncio.gather(*(one.come_back(state) for one in (visitor, twin) * 5))

    assert Counter(answer.status_code for answer in answers) == {303: 10}
    assert len(provider.answers) == 1
    assert sum(answer.headers["location"].endswith("/account") for answer in answers) == 1
    async with database.read() as tx:
        assert len((await tx.scalars(select(Session))).all()) == 1
    assert await accounts_in(database) == 1


async def test_a_session_of_before_is_not_taken_by_a_forged_callback(visitor: Visitor, stranger: Visitor) -> None:
    await visitor.visit()
    person = await signed_in(visitor)
    foreign = await stranger.go()

    answer = await visitor.come_back(foreign)

    assert outcome(answer) == "expired"
    assert (await signed_in(visitor)).id == person.id
