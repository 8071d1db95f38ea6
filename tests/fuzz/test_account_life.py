"""The life of an account and its sessions: any order of events, against a model of what must hold."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import Phase, seed
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gatepost.composition.services import build_services
from gatepost.identity.accounts.roles import RoleName
from tests.conftest import MakeSettings, http_client, started
from tests.features.admin.conftest import give
from tests.fuzz.budget import IS_LONG, ROUND, UNLIMITED, budget, rounds
from tests.support.api import Api, Person, bearer
from tests.support.clock import FakeClock
from tests.support.databases import emptied
from tests.support.links import take_link, take_mails

pytestmark = pytest.mark.both_databases

STEPS = 25
# Of the time of `make fuzz`, on each database.
PART = 0.1
ONE_ROUND = {"max_examples": ROUND} if IS_LONG else {}
# A failure is only made smaller where there is time for it.
PHASES = [Phase.generate, Phase.shrink] if IS_LONG else [Phase.generate]
ACCESS = timedelta(minutes=1440)
IDLE, LONGEST = timedelta(days=30), timedelta(days=90)
REUSE_GRACE = timedelta(seconds=10)
DELETION_GRACE = timedelta(days=14)
# The loop stops between two steps; a round of background work must not be interrupted there.
QUIET = {"revocation_poll_seconds": 3600, "revocation_max_staleness_seconds": 36000}
PASSWORDS = ("correct horse", "battery staple", "пароль пароль", "🐎" * 8)


class World:
    """A running service with a clock of ours; many accounts live in it one after another."""

    def __init__(self, make_settings: MakeSettings) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._make_settings = make_settings
        self._numbers = itertools.count()
        self.do(self._start())

    async def _start(self) -> None:
        self.clock = FakeClock()
        self.services = build_services(self._make_settings(**QUIET, **UNLIMITED), clock=self.clock)
        self._app = await self._stack.enter_async_context(started(self.services))
        self.api = Api(await self._stack.enter_async_context(http_client(self._app)))
        root = await self.api.sign_up("Root")
        await give(self.services.platform.database, root.id, [RoleName.ADMIN])

    def do(self, work: Awaitable[Any]) -> Any:
        """Wait for something in the loop of this world."""
        return self._runner.run(_awaited(work))

    def name(self) -> str:
        """Return a user name that nobody has had."""
        return f"person {next(self._numbers)}"

    def end(self) -> None:
        """Stop the service."""
        self.do(self._stack.aclose())
        self._runner.close()


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


@dataclass
class Signed:
    """A session as the model has it, and the tokens that its owner was given."""

    started_at: datetime
    used_at: datetime
    refresh: str
    access: list[tuple[str, datetime, int]] = field(default_factory=list)
    before: str | None = None
    is_over: bool = False

    def ends_at(self) -> datetime:
        """Return when it ends by itself."""
        return min(self.used_at + IDLE, self.started_at + LONGEST)


class AccountLife(RuleBasedStateMachine):
    """One account, its sessions, and an administrator."""

    world: World
    sessions = Bundle("sessions")

    @initialize(target=sessions, password=st.sampled_from(PASSWORDS))
    def sign_up(self, password: str) -> Signed:
        self.name, self.password = self.world.name(), password
        self.is_disabled = self.is_deleted = False
        self.erase_at: datetime | None = None
        self.version = 0
        self.all: list[Signed] = []
        self.roles = {"user"}
        person = self.world.do(self.world.api.sign_up(self.name, password=password))
        self.id, self.email = person.id, person.email
        return self._session(person)

    @rule(target=sessions)
    def sign_in(self) -> Signed | Any:
        answer = self._post("/api/auth/signin", {"username": self.name, "password": self.password})
        if self._is_gone():
            _refused(answer, 401, "invalid_credentials")
        elif self.is_disabled:
            _refused(answer, 403, "account_disabled")
        else:
            assert answer.status_code == 200, answer.text
            assert set(answer.json()["roles"]) == {f"ROLE_{role.upper()}" for role in self.roles}
            self.erase_at = None
            return self._session(_tokens(answer))
        return multiple()

    @rule(password=st.sampled_from(PASSWORDS))
    def sign_in_with_another_password(self, password: str) -> None:
        if password != self.password:
            answer = self._post("/api/auth/signin", {"username": self.name, "password": password})
            _refused(answer, 401, "invalid_credentials")

    @rule(session=sessions)
    def refresh(self, session: Signed) -> None:
        answer = self._post("/api/auth/refreshtoken", {"refreshToken": session.refresh})
        if self.is_disabled and not self._is_gone():
            _refused(answer, 403, "account_disabled")
        elif session.is_over or self._is_gone():
            _refused(answer, 403, "refresh_token_invalid")
        elif session.ends_at() <= self._now():
            _refused(answer, 403, "refresh_token_expired")
        else:
            assert answer.status_code == 200, answer.text
            session.before, session.refresh = session.refresh, answer.json()["refreshToken"]
            session.used_at = self._now()
            session.access.append((answer.json()["accessToken"], self._now() + ACCESS, self.version))

    @rule(session=sessions)
    def replay(self, session: Signed) -> None:
        if session.before is None:
            return
        answer = self._post("/api/auth/refreshtoken", {"refreshToken": session.before})
        if self.is_disabled and not self._is_gone():
            _refused(answer, 403, "account_disabled")
        elif session.is_over or self._is_gone():
            _refused(answer, 403, "refresh_token_invalid")
        elif session.ends_at() <= self._now():
            _refused(answer, 403, "refresh_token_expired")
        elif self._now() < session.used_at + REUSE_GRACE:
            assert answer.json()["refreshToken"] == session.refresh
        else:
            _refused(answer, 403, "refresh_token_reused")
            session.is_over = True

    @rule(session=sessions)
    def sign_out(self, session: Signed) -> None:
        answer = self._post("/api/auth/signout", {"refreshToken": session.refresh})
        assert answer.status_code in (204, 403), answer.text
        if not self._lives(session):
            return
        assert answer.status_code == 204
        session.is_over = True

    @rule(session=sessions)
    def sign_out_others(self, session: Signed) -> None:
        if (access := self._good_access(session)) is not None:
            answer = self._post("/api/auth/signout-others", None, access)
            assert answer.is_success, answer.text
            self._end_all(but=session)

    @rule(session=sessions)
    def sign_out_everywhere(self, session: Signed) -> None:
        if (access := self._good_access(session)) is not None:
            answer = self._post("/api/auth/signout-all", None, access)
            assert answer.is_success, answer.text
            self._end_all()

    @rule(session=sessions, new=st.sampled_from(PASSWORDS))
    def change_password(self, session: Signed, new: str) -> None:
        if new != self.password and (access := self._good_access(session)) is not None:
            body = {"currentPassword": self.password, "newPassword": new}
            assert self._post("/api/auth/password/change", body, access).status_code == 204
            self.password = new
            self._end_all(but=session)

    @rule(new=st.sampled_from(PASSWORDS))
    def reset_password(self, new: str) -> None:
        self.world.do(take_mails(self.world.services))
        self.time_goes_by(300)  # nobody is sent such a mail again at once
        assert self._post("/api/auth/password/forgot", {"email": self.email}).status_code == 202
        if self._is_gone() or self.is_disabled:
            kinds = [mail.kind for mail in self.world.do(take_mails(self.world.services))]
            assert "reset_password" not in kinds
            return
        token = self.world.do(take_link(self.world.services, "reset_password"))
        assert self._post("/api/auth/password/reset", {"token": token, "password": new}).status_code == 200
        _refused(self._post("/api/auth/password/reset", {"token": token, "password": new}), 400, "link_invalid")
        self.password = new
        self.erase_at = None  # whoever planned the deletion may have known the earlier password
        self._end_all()

    @rule(turn=st.sampled_from(["disable", "enable"]))
    def disable_or_enable(self, turn: str) -> None:
        answer = self._as_admin(lambda api, by: api.post(f"/api/admin/users/{self.id}/{turn}", headers=by))
        if self._is_gone():
            _refused(answer, 404, "user_not_found")
            return
        assert answer.status_code == 200, answer.text
        self.is_disabled = turn == "disable"
        if self.is_disabled:
            self._end_all()

    @rule(roles=st.sampled_from([["user"], ["moderator", "user"]]))
    def set_roles(self, roles: list[str]) -> None:
        answer = self._as_admin(
            lambda api, by: api.put(f"/api/admin/users/{self.id}/roles", headers=by, json={"roles": roles})
        )
        if self._is_gone():
            _refused(answer, 404, "user_not_found")
            return
        assert answer.status_code == 200, answer.text
        if set(roles) != self.roles:
            self.roles = set(roles)
            self.version += 1

    @rule(session=sessions)
    def wish_to_be_deleted(self, session: Signed) -> None:
        if (access := self._good_access(session)) is not None:
            body = {"password": self.password}
            answer = self.world.do(
                self.world.api.client.request("DELETE", "/api/users/me", json=body, headers=bearer(access))
            )
            assert answer.is_success, answer.text
            self.erase_at = self._now() + DELETION_GRACE
            self._end_all()

    @precondition(lambda self: not self._is_gone())
    @rule()
    def delete(self) -> None:
        answer = self._as_admin(lambda api, by: api.delete(f"/api/admin/users/{self.id}", headers=by))
        assert answer.status_code == 204, answer.text
        self.is_deleted = True
        self._end_all()

    @rule(length=st.sampled_from([5, 11, 3600, 86400, 15 * 86400, 31 * 86400]))
    def time_goes_by(self, length: int) -> None:
        self.world.clock.advance(seconds=length)
        self.world.do(self.world.services.identity.revocations.poll())
        self.world.do(self.world.services.identity.deletion.erase_due())
        if self.erase_at is not None and self.erase_at <= self._now():
            self.is_deleted = True

    @invariant()
    def every_access_token_is_good_while_its_session_and_its_account_are(self) -> None:
        for session in getattr(self, "all", []):
            for token, expires_at, version in session.access[-2:]:
                answer = self.world.do(self.world.api.user_board(token))
                expected = {200} if self._is_good(session, expires_at, version) else {401}
                assert {answer.status_code} == expected, answer.text

    def _is_good(self, session: Signed, expires_at: datetime, version: int) -> bool:
        return not session.is_over and self._now() < expires_at and version == self.version

    def _good_access(self, session: Signed) -> str | None:
        for token, expires_at, version in reversed(session.access):
            if self._is_good(session, expires_at, version):
                return token
        return None

    def _lives(self, session: Signed) -> bool:
        return not session.is_over and session.ends_at() > self._now()

    def _session(self, person: Person) -> Signed:
        now = self._now()
        access = [(person.access_token, now + ACCESS, self.version)]
        self.all.append(Signed(now, now, person.refresh_token, access))
        return self.all[-1]

    def _end_all(self, but: Signed | None = None) -> None:
        for session in self.all:
            session.is_over = session.is_over or session is not but

    def _is_gone(self) -> bool:
        return self.is_deleted

    def _now(self) -> datetime:
        return self.world.clock.now()

    def _post(self, path: str, body: Any, access: str | None = None) -> httpx.Response:
        answer: httpx.Response = self.world.do(
            self.world.api.post(path, json=body, headers=bearer(access) if access else {})
        )
        return answer

    def _as_admin(self, send: Callable[[Api, dict[str, str]], Awaitable[httpx.Response]]) -> httpx.Response:
        root = self.world.do(self.world.api.sign_in("Root"))
        answer: httpx.Response = self.world.do(send(self.world.api, bearer(root.access_token)))
        return answer


@pytest.fixture
def world(make_settings: MakeSettings, database_url: Any) -> Iterator[World]:
    """Give a running service in its own event loop, because the state machine cannot be a coroutine."""
    world = World(make_settings)
    yield world
    world.end()
    asyncio.run(emptied(database_url))


def test_account_lives_as_the_model_says(world: World) -> None:
    class Life(AccountLife):
        pass

    Life.world = world
    for number in rounds(PART):
        run_state_machine_as_test(
            seed(number)(Life) if IS_LONG else Life,
            settings=budget(6, stateful_step_count=STEPS, phases=PHASES, **ONE_ROUND),
        )


def _tokens(answer: httpx.Response) -> Person:
    body = answer.json()
    return Person(body["id"], body["username"], body["email"], "", body["accessToken"], body["refreshToken"])


def _refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
