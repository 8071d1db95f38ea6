"""Every cell of the matrix, over HTTP: way in, state of the account, policy."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from gatepost.composition.services import Services
from gatepost.core.settings import EmailVerification
from gatepost.identity.assurance.matrix import Outcome, Policy, State, Way, cells
from gatepost.identity.assurance.proofs import Proved
from gatepost.identity.external.models import ExternalIdentity
from gatepost.identity.factors.methods import BY_IDENTITY, Method
from gatepost.identity.sessions.models import Session
from gatepost.identity.tokens.principal import Acr
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import give
from tests.support.api import PASSWORD, Api, Person
from tests.support.clock import FakeClock
from tests.support.email_codes import Tab
from tests.support.external import FakeProvider, Visitor, outcome, set_up, signed_in
from tests.support.factors import ME, App, pending_token, prove_address, set_up_app
from tests.support.links import take_link, take_mails
from tests.support.matrix import page
from tests.support.passkeys import Browser, add_passkey, prove_with, sign_in_with

CELLS = list(cells())
DEVICE = "X-Device-Token"
NAMES = {"username": "Abbey Salami", "email": "abbey.salami@example.com"}
GUEST = {"username": "Guest", "email": "guest@example.com"}


@dataclass
class Walk:
    """An account in its state, and the deployment that it comes to."""

    services: Services
    api: Api
    clock: FakeClock
    way: Way
    state: State
    app: App | None = None
    browser: Browser = field(default_factory=Browser.new)
    device_token: str = ""
    refresh_token: str = ""
    visitor: Visitor | None = None

    @property
    def by_provider(self) -> Visitor:
        """The browser that goes to another provider."""
        assert self.visitor is not None
        return self.visitor

    async def prepare(self, policy: Policy) -> None:
        """Make the account, where nothing is required; of a way that goes on, its session, too."""
        person = await self._sign_up()
        await prove_address(self.services, person)
        if set(BY_IDENTITY) & set(self.way.proves):
            assert outcome(await self.by_provider.visit("link", person=person)) == "linked"
        if policy.is_administrator:
            await give(self.services.platform.database, person.id, ["admin"])
        if Method.TOTP in self.state.methods:
            self.app = await set_up_app(self.api, self.services, person)
        if Method.PASSKEY in self.state.methods:
            await add_passkey(self.api, self.services, person, self.browser)
        self.clock.advance(minutes=1)
        await self.services.identity.revocations.poll()
        if self.state.methods == {Method.PASSKEY}:
            proved = await prove_with(self.api, person, self.browser)
            assert (await self.api.delete(f"{ME}/password", headers=proved.headers)).status_code == 204
        if Method.TRUSTED_DEVICE in self.way.proves:
            await self._trust(person)
        if self.way.is_refresh:
            self.refresh_token = await self._session(person)

    async def _sign_up(self) -> Person:
        if self.state.methods:
            return await self.api.sign_up()
        body = (await by_code(self)).json()
        return Person(body["id"], body["username"], body["email"], "", body["accessToken"], body["refreshToken"])

    async def _trust(self, person: Person) -> None:
        is_app = self.app is not None
        code = self.app.code(self.clock.now()) if self.app is not None else self.browser.recovery_codes[0]
        body: dict[str, object] = {"method": "totp" if is_app else "recovery_code", "code": code, "trustDevice": True}
        if Method.PROVIDER in self.way.proves:
            await self.by_provider.visit()
            body["pendingToken"] = (await self.by_provider.go_on()).json()["pendingToken"]
            trusted = await self.by_provider.client.post("/api/auth/signin/continue", json=body)
            assert trusted.status_code == 200, trusted.text
            return
        if Method.PASSWORD in self.state.methods:
            body["pendingToken"] = await pending_token(self.api, person)
        else:
            body["pendingToken"] = (await by_code(self)).json()["pendingToken"]
        trusted = await self.api.post("/api/auth/signin/continue", json=body, headers={DEVICE: ""})
        assert trusted.status_code == 200, trusted.text
        self.device_token = trusted.headers[DEVICE]

    async def _session(self, person: Person) -> str:
        """Return the refresh token of a session that was opened by what the way proves."""
        if Method.PASSKEY in self.way.proves:
            return str((await sign_in_with(self.api, self.browser)).json()["refreshToken"])
        if Method.TRUSTED_DEVICE in self.way.proves:
            return str((await by_password(self)).json()["refreshToken"])
        if Method.PROVIDER_FACTORS in self.way.proves:
            await by_provider_with_factors(self)
            return (await signed_in(self.by_provider)).refresh_token
        # Such as one that another process opened at the moment in which the factor came.
        of_before: dict[str, object] = {"acr": Acr.ONE_FACTOR, "amr": "pwd", "proofs": None}
        if Method.EMAIL_CODE in self.way.proves:
            of_before |= {"amr": "email", "proofs": [Proved(Method.EMAIL_CODE, self.clock.now()).as_json()]}
        async with self.services.platform.database.begin() as tx:
            if Method.PROVIDER in self.way.proves:
                identity = await tx.scalar(select(ExternalIdentity.id))
                proofs = [{"by": "provider", "at": self.clock.now().isoformat(), "credential": identity}]
                of_before |= {"amr": "fed", "proofs": proofs}
            await tx.execute(update(Session).values(**of_before))
        return person.refresh_token


async def by_password(walk: Walk) -> httpx.Response:
    body = {"username": NAMES["username"], "password": PASSWORD}
    return await walk.api.post("/api/auth/signin", json=body, headers={DEVICE: walk.device_token})


async def by_form(walk: Walk) -> httpx.Response:
    form = {"grant_type": "password", "username": NAMES["username"], "password": PASSWORD}
    return await walk.api.post("/api/auth/token", data=form)


async def by_passkey(walk: Walk) -> httpx.Response:
    return await sign_in_with(walk.api, walk.browser)


async def by_provider(walk: Walk) -> httpx.Response:
    answer = await walk.by_provider.visit()
    is_done = answer.headers["location"] == "http://localhost:8080/account"
    return answer if is_done else await walk.by_provider.go_on()


async def by_provider_with_factors(walk: Walk) -> httpx.Response:
    walk.by_provider.provider.proves_factors = True
    return await by_provider(walk)


async def by_sign_up_with_provider(walk: Walk) -> httpx.Response:
    walk.by_provider.provider.tells(email=None)
    await walk.by_provider.visit()
    await walk.by_provider.ask_code(GUEST["email"])
    code = next(mail.code for mail in await take_mails(walk.services) if mail.kind == "address_code")
    return await walk.by_provider.sign_up_with(GUEST["email"], code)


async def by_code(walk: Walk, email: str = NAMES["email"]) -> httpx.Response:
    tab = Tab(walk.api, walk.services, headers={DEVICE: walk.device_token})
    return await tab.signed_in(email)


async def by_sign_up_with_code(walk: Walk) -> httpx.Response:
    return await by_code(walk, GUEST["email"])


async def by_refresh(walk: Walk) -> httpx.Response:
    return await walk.api.refresh(walk.refresh_token)


async def by_sign_up(walk: Walk) -> httpx.Response:
    return await walk.api.post("/api/auth/signup", json={**GUEST, "password": PASSWORD})


async def by_sign_up_with_passkey(walk: Walk) -> httpx.Response:
    options = (await walk.api.post("/api/auth/signup/passkey/options", json=GUEST)).json()
    credential = walk.browser.create(options["publicKey"])
    body = {**GUEST, "challengeId": options["challengeId"], "credential": credential}
    return await walk.api.post("/api/auth/signup", json=body)


async def by_reset(walk: Walk) -> httpx.Response:
    await walk.api.post("/api/auth/password/forgot", json={"email": NAMES["email"]})
    body = {"token": await take_link(walk.services, "reset_password"), "password": "another horse 12"}
    return await walk.api.post("/api/auth/password/reset", json=body)


Entrance = Callable[[Walk], Awaitable[httpx.Response]]
ENTRANCES: dict[str, Entrance] = {
    "password": by_password,
    "password, as an OAuth form": by_form,
    "password on a trusted device": by_password,
    "passkey": by_passkey,
    "another provider": by_provider,
    "another provider on a trusted device": by_provider,
    "another provider that has proved two factors": by_provider_with_factors,
    "code or link by mail": by_code,
    "code or link by mail on a trusted device": by_code,
    "refresh of a session of a password": by_refresh,
    "refresh of a session of another provider": by_refresh,
    "refresh of a session of two factors of another provider": by_refresh,
    "refresh of a session of a trusted device": by_refresh,
    "refresh of a session of a passkey": by_refresh,
    "refresh of a session of a code by mail": by_refresh,
    "sign-up or invitation with a password": by_sign_up,
    "sign-up or invitation with a passkey": by_sign_up_with_passkey,
    "sign-up or invitation with another provider": by_sign_up_with_provider,
    "sign-up by a code by mail": by_sign_up_with_code,
    "link that sets a new password": by_reset,
}


def outcome_of(answer: httpx.Response) -> Outcome | str | None:
    """Return what an answer says."""
    if answer.status_code == 303:
        assert any(cookie.startswith("gatepost_access=") for cookie in answer.headers.get_list("set-cookie"))
        return Outcome.SESSION
    body = answer.json()
    if answer.is_success:
        return Outcome.SESSION if body.get("accessToken") or body.get("access_token") else None
    if body["code"] == "refresh_token_invalid":
        return "refused"
    assert body["code"] == "second_factor_required", answer.text
    if answer.status_code == 400:
        assert body["error"] == "mfa_required"
    return Outcome.ENROLMENT if body.get("enrolMethods") else Outcome.SECOND_FACTOR


@pytest.mark.parametrize(("way", "state", "policy", "expected"), CELLS, ids=lambda part: getattr(part, "name", None))
async def test_cell(
    make_services: MakeServices, clock: FakeClock, way: Way, state: State, policy: Policy, expected: Outcome | None
) -> None:
    # A code proves its address, which nothing does by the others.
    is_by_mail = Method.EMAIL_CODE in way.proves or not state.methods
    verification = EmailVerification.OPTIONAL if is_by_mail else EmailVerification.OFF
    before = make_services(email_verification=verification)
    now = make_services(email_verification=verification, second_factor=policy.second_factor)
    provider = FakeProvider()
    for services in (before, now):
        set_up(services, provider)
    async with (
        started(before) as lax,
        http_client(lax) as client,
        http_client(lax, keeps_cookies=True) as browser,
    ):
        walk = Walk(before, Api(client), clock, way, state, visitor=Visitor(browser, provider))
        if not way.is_new:
            await walk.prepare(policy)
        cookies = browser.cookies
    async with (
        started(now) as strict,
        http_client(strict) as client,
        http_client(strict, keeps_cookies=True) as browser,
    ):
        browser.cookies = cookies
        walk.services, walk.api, walk.visitor = now, Api(client), Visitor(browser, provider)

        answer = await ENTRANCES[way.name](walk)

    wanted = "refused" if way.is_refresh and expected is not Outcome.SESSION else expected
    assert outcome_of(answer) == wanted, answer.text


def test_page_is_made_of_the_code() -> None:
    written = (Path(__file__).parents[3] / "docs/ways-in.md").read_text(encoding="utf-8")

    assert written == page(), "when that is meant: .venv/bin/python -m tests.support.matrix > docs/ways-in.md"


def test_every_way_that_makes_sessions_is_in_the_matrix() -> None:
    routes = {way.route for way, *_ in CELLS}

    assert routes == {
        "POST /api/auth/signin", "POST /api/auth/token", "POST /api/auth/passkeys/signin",
        "POST /api/auth/email-code/signin", "POST /api/auth/refreshtoken", "POST /api/auth/signup",
        "POST /api/auth/password/reset", "GET /api/auth/providers/{name}/callback",
    }  # fmt: skip
