"""Every attack of the public lists, over HTTP, in each way in which a token can be sent."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import URL

from gatepost.composition.services import build_services
from gatepost.core import strict_json
from gatepost.core.db.database import create_engine
from gatepost.core.db.migrations import migrate
from gatepost.core.settings import JwtAlgorithm, Settings
from tests.conftest import SECRET, http_client, started
from tests.support.api import Api, Person, assert_problem
from tests.support.attacks import FAMILIES
from tests.support.attacks.target import ALGORITHMS, Attack, Target, decode, with_claims
from tests.support.attacks.witness import witness
from tests.support.clock import FakeClock
from tests.support.families import family

WAYS = ((b"Authorization", b"Bearer "), (b"x-access-token", b""), (b"Cookie", b"gatepost_access="))
# Claims that only our own key can sign, and that no token of ours has.
STRANGE_CLAIMS: dict[str, tuple[object, ...]] = {
    "sub": ("0", "-1", "+1", " 1", "1 ", "1_0", "\uff11", "1.0", "0x1", "1e1", "Abbey", "9" * 19, "9" * 30, "9" * 4400),
    "sid": (None, 1, "", "0", "-1", " 1", "\u0661", "9" * 30, ["1"], True),
    "username": (None, 1, [], {}),
    "roles": (None, "admin", {"admin": 1}, [None], [1], [["admin"]], [{}]),
    "ver": (None, "0", 0.0, True, []),
    "auth_time": (None, "0", 1.5, True, 10**30, -(10**30)),
    "acr": (None, 1, [], ["urn:gatepost:acr:1"]),
    # Of an app that is registered here, and of a program that acts for itself: its subject is the client.
    "client_id": (None, "", "grafana", "Gatepost", "1", 1, ["gatepost"]),
    "scope": (None, 1, ["openid"]),
}
CASES = [
    pytest.param(algorithm, attacks, id=f"{algorithm}: {name}")
    for name, in_all in FAMILIES.items()
    for algorithm in ALGORITHMS
    # What is not about signatures is the same for every algorithm.
    if (
        attacks := [
            attack
            for attack in in_all
            if attack.over_http and algorithm in (attack.algorithms if name == "signatures" else attack.algorithms[:1])
        ]
    )
]
STRANGE = [
    pytest.param("ES256", [Attack(f"{name} {value!r}", with_claims(**{name: value})) for value in values], id=name)
    for name, values in STRANGE_CLAIMS.items()
]


@dataclass(frozen=True)
class Served:
    """A running service, somebody who is signed in there, and what an attacker would aim at."""

    api: Api
    person: Person
    target: Target
    trap: socket.socket

    async def answers(self, token: bytes) -> list[httpx.Response]:
        """Present a token in each way."""
        return [await self.api.get("/api/test/user", headers=[(name, start + token)]) for name, start in WAYS]

    def somebody_called(self) -> bool:
        """Whether anything has connected to the listener."""
        try:
            self.trap.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture(scope="module")
def trap() -> Iterator[socket.socket]:
    """Listen where forged tokens say that their keys are."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


Start = Callable[[str], Awaitable[Served]]


@pytest.fixture(scope="module")
async def start(tmp_path_factory: pytest.TempPathFactory, trap: socket.socket) -> AsyncIterator[Start]:
    """Give a function that starts services: one per algorithm, shared by all attacks."""
    running: dict[str, Served] = {}
    async with AsyncExitStack() as stack:

        async def start(algorithm: str) -> Served:
            if algorithm not in running:
                folder = tmp_path_factory.mktemp("attacked")
                running[algorithm] = await stack.enter_async_context(_serving(algorithm, folder, trap))
            return running[algorithm]

        yield start


@asynccontextmanager
async def _serving(algorithm: str, folder: Path, trap: socket.socket) -> AsyncIterator[Served]:
    # Which database it is makes no difference to a refused token.
    url = URL.create("sqlite+aiosqlite", database=str(folder / "gatepost.db"))
    engine = create_engine(url)
    await migrate(engine)
    await engine.dispose()
    secret: dict[str, Any] = {"jwt_secret": SecretStr(SECRET)} if algorithm == JwtAlgorithm.HS256 else {}
    settings = Settings(
        _env_file=None, database_url=SecretStr(str(url)), secret_key=SecretStr(SECRET), data_dir=folder,
        bcrypt_rounds=4, jwt_algorithm=JwtAlgorithm(algorithm), **secret,
    )  # fmt: skip
    services = build_services(settings, clock=FakeClock())
    async with started(services) as app, http_client(app) as client:
        person = await Api(client).sign_up()
        claims = strict_json.loads(decode(person.access_token.split(".")[1]))
        address = f"http://127.0.0.1:{trap.getsockname()[1]}"
        yield Served(Api(client), person, Target(services.identity.keys.signing, claims, trap=address), trap)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_token_that_the_attacks_start_from_is_admitted_in_each_way(start: Start, algorithm: str) -> None:
    served = await start(algorithm)

    for token in (served.person.access_token, served.target.good):
        assert [answer.status_code for answer in await served.answers(token.encode())] == [200, 200, 200]


@pytest.mark.parametrize(("algorithm", "attacks"), [*STRANGE, *CASES])
async def test_attack_is_refused_in_each_way_and_reaches_nothing(
    start: Start, algorithm: str, attacks: list[Attack]
) -> None:
    served = await start(algorithm)
    with family() as case:
        for attack in attacks:
            with case(attack.name):
                token = attack.forge(served.target).encode("utf-8", "surrogatepass")

                with witness() as seen:
                    answers = await served.answers(token)

                for answer in answers:
                    assert_problem(answer, 401, attack.code)
                    assert answer.headers["www-authenticate"].startswith(
                        'Bearer realm="gatepost", error="invalid_token"'
                    )
                assert [event for event in seen if not event.startswith("open")] == []
                assert not served.somebody_called()


async def test_listener_would_hear_of_a_connection(start: Start) -> None:
    served = await start("ES256")
    with witness() as seen, socket.create_connection(served.trap.getsockname()):
        assert served.somebody_called()

    assert any(event.startswith("socket.connect") for event in seen)


async def test_empty_token_is_no_token(start: Start) -> None:
    served = await start("ES256")
    authorization, header, cookie = await served.answers(b"")

    assert_problem(authorization, 401, "token_invalid")
    assert_problem(header, 401, "token_missing")
    assert_problem(cookie, 401, "token_missing")


@pytest.mark.parametrize("space", ["\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0"])
async def test_only_the_spaces_of_http_are_taken_from_round_a_token(start: Start, space: str) -> None:
    served = await start("ES256")
    good = served.person.access_token

    for token in (good + space, space + good):
        headers = {b"Authorization": b"Bearer " + token.encode("latin-1")}
        assert_problem(await served.api.get("/api/test/user", headers=headers), 401, "token_invalid")
    spaced = await served.api.get("/api/test/user", headers={"Authorization": f"bEARER   {good} "})
    assert spaced.status_code == 200


async def test_bad_token_is_not_made_good_by_another_beside_it(start: Start) -> None:
    served = await start("ES256")
    good, bad = served.person.access_token.encode(), b"a.b.c"
    fields = [[(name, start + token) for token in (good, bad)] for name, start in WAYS]
    for first in range(len(WAYS)):
        for second in range(first + 1, len(WAYS)):
            refused = await served.api.get("/api/test/user", headers=[fields[first][1], fields[second][0]])
            admitted = await served.api.get("/api/test/user", headers=[fields[first][0], fields[second][1]])

            assert_problem(refused, 401, "token_invalid")
            assert admitted.status_code == 200
