"""Replicas on different nodes of one Galera cluster: races across nodes, reads after writes, and a node that dies."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from operator import methodcaller

import httpx

from tests.galera.conftest import DATABASE, Cluster
from tests.support.api import PASSWORD, Api, bearer
from tests.support.workers import WAIT_SECONDS, claims

ROUNDS = 10
PEOPLE = 6
BEFORE_SECONDS = 3
AFTER_SECONDS = 6
# The time in which the cluster drops the dead node, and that of a transaction that waits for it.
CONTINUES_WITHIN_SECONDS = 5


async def test_what_one_node_has_committed_is_there_on_every_other(cluster: Cluster) -> None:
    for round_ in range(ROUNDS):
        first, second, third = random.sample(list(cluster.replicas), 3)
        person = await first.sign_up(f"Reader {round_}")
        again = await second.sign_in(person.username)
        answer = await third.refresh(again.refresh_token)
        assert answer.status_code == 200, answer.text
        answer = await first.refresh(answer.json()["refreshToken"])
        assert answer.status_code == 200, answer.text


async def test_one_refresh_token_at_three_nodes_at_once_is_used_up_once(cluster: Cluster) -> None:
    person = await cluster.replicas[0].sign_up("Racer")
    token = person.refresh_token
    for round_ in range(1, ROUNDS + 1):
        answers = await asyncio.gather(*(api.refresh(token) for api in (*cluster.replicas, *cluster.replicas)))

        assert {answer.status_code for answer in answers} <= {200, 503}, [answer.text for answer in answers]
        successors = {answer.json()["refreshToken"] for answer in answers if answer.is_success}
        assert len(successors) == 1
        token = successors.pop()
        assert await _generation(cluster, person.access_token) == round_


async def test_one_name_at_three_nodes_at_once_makes_one_account(cluster: Cluster) -> None:
    for round_ in range(ROUNDS):
        body = {"username": f"Twin {round_}", "email": f"twin{round_}@example.com", "password": PASSWORD}
        answers = await asyncio.gather(*(api.post("/api/auth/signup", json=body) for api in cluster.replicas))
        assert sorted(answer.status_code for answer in answers) == [201, 400, 400], [a.text for a in answers]


async def test_sign_out_at_any_node_is_known_at_all(cluster: Cluster) -> None:
    """The ids of the feed come in steps of three, from each node its own."""
    for turn, index in enumerate((0, 0, 1, 2, 2, 1)):
        api = cluster.replicas[index]
        person = await api.sign_up(f"Leaver {turn}")
        assert (await api.post("/api/auth/signout", headers=person.headers)).status_code == 204
        deadline = time.monotonic() + WAIT_SECONDS
        for other in cluster.replicas:
            while (await other.user_board(person.access_token)).status_code != 401:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
    ids = [row[0] for row in await cluster.nodes[0].query(f"SELECT id FROM {DATABASE}.revocations ORDER BY id")]
    assert any(later - earlier > 1 for earlier, later in pairwise(ids))


@dataclass
class Ledger:
    """What clients were told, and by whom."""

    accounts: dict[str, str] = field(default_factory=dict)
    generations: dict[int, int] = field(default_factory=dict)
    refresh_tokens: dict[int, str] = field(default_factory=dict)
    ended: dict[int, str] = field(default_factory=dict)
    answers: list[tuple[float, int]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)


class Load:
    """People who sign up, refresh and sign out at any replica, and go to another one where one does not serve them."""

    def __init__(self, cluster: Cluster) -> None:
        self.ledger = Ledger()
        self.stopped = asyncio.Event()
        self._replicas = cluster.replicas

    async def person(self, name: str) -> None:
        """Come again and again, each time as somebody new."""
        count = 0
        while not self.stopped.is_set():
            count += 1
            await self._visit(f"{name} {count}")

    async def _visit(self, username: str) -> None:
        ledger = self.ledger
        body = {"username": username, "email": f"{username.replace(' ', '.')}@example.com", "password": PASSWORD}
        answer = await self._ask(lambda api: api.post("/api/auth/signup", json=body))
        if answer.status_code == 400:  # an earlier try was committed, and its answer was lost: nothing was promised
            return
        tokens = self._accepted(answer, 201)
        ledger.accounts[username] = body["email"]
        session = int(claims(tokens["accessToken"])["sid"])
        for generation in range(random.randint(1, 6)):
            token = tokens["refreshToken"]
            ledger.generations[session], ledger.refresh_tokens[session] = generation, token
            tokens = self._accepted(await self._ask(methodcaller("refresh", token)), 200)
            ledger.generations[session], ledger.refresh_tokens[session] = generation + 1, tokens["refreshToken"]
        if random.random() < 0.5:
            token, access = tokens["refreshToken"], tokens["accessToken"]
            answer = await self._ask(lambda api: api.post("/api/auth/signout", json={"refreshToken": token}))
            if answer.status_code == 204:
                ledger.ended[session] = access
            del ledger.refresh_tokens[session]

    async def _ask(self, call: Callable[[Api], Awaitable[httpx.Response]]) -> httpx.Response:
        """Try one replica after the other until one answers for itself."""
        while True:
            index = random.randrange(len(self._replicas))
            try:
                answer = await call(self._replicas[index])
            except httpx.TransportError as error:
                self.ledger.faults[type(error).__name__] += 1
                continue
            if answer.status_code != 503:
                self.ledger.answers.append((time.monotonic(), index))
                return answer
            self.ledger.faults[answer.json()["code"]] += 1
            await asyncio.sleep(0.05)

    def _accepted(self, answer: httpx.Response, status: int) -> dict[str, str]:
        if answer.status_code != status:
            self.ledger.refused.append(f"{answer.status_code} {answer.text}")
            raise AssertionError(self.ledger.refused[-1])
        body: dict[str, str] = answer.json()
        return body


async def test_no_write_that_was_acknowledged_is_lost_when_a_node_dies_under_load(cluster: Cluster) -> None:
    load = Load(cluster)
    people = [asyncio.create_task(load.person(f"Person{index}")) for index in range(PEOPLE)]
    await asyncio.sleep(BEFORE_SECONDS)
    cluster.nodes[2].kill()
    killed_at = time.monotonic()
    await asyncio.sleep(AFTER_SECONDS)
    load.stopped.set()
    await asyncio.gather(*people)

    ledger = load.ledger
    assert ledger.refused == []
    assert min(Counter(index for at, index in ledger.answers if at < killed_at).values()) > 0
    for survivor in (0, 1):
        after = [at - killed_at for at, index in ledger.answers if index == survivor and at > killed_at]
        assert min(after, default=1e9) < CONTINUES_WITHIN_SECONDS, ledger.faults
    for node in cluster.nodes[:2]:
        rows = await node.query(f"SELECT username, email FROM {DATABASE}.users")
        assert [
            entry for entry in ledger.accounts.items() if entry not in {(name, email) for name, email in rows}
        ] == []
        sessions = {
            row[0]: row[1:] for row in await node.query(f"SELECT id, generation, ended_at FROM {DATABASE}.sessions")
        }
        assert [id_ for id_, told in ledger.generations.items() if sessions[id_][0] < told] == []
        assert [id_ for id_ in ledger.ended if sessions[id_][1] is None] == []
    await _tokens_are_as_promised(cluster, ledger)
    await _replica_of_the_dead_node_says_so(cluster)


async def _tokens_are_as_promised(cluster: Cluster, ledger: Ledger) -> None:
    for index, token in enumerate(ledger.refresh_tokens.values()):
        answer = await cluster.replicas[index % 2].refresh(token)
        assert answer.status_code == 200, answer.text
    for access_token in ledger.ended.values():
        for api in cluster.replicas[:2]:
            assert (await api.user_board(access_token)).status_code == 401


async def _replica_of_the_dead_node_says_so(cluster: Cluster) -> None:
    api = cluster.replicas[2]
    assert (await api.get("/healthz")).status_code == 200
    assert (await api.get("/readyz")).status_code == 503
    body = {"username": "Person0 1", "password": PASSWORD}
    assert (await api.post("/api/auth/signin", json=body)).status_code == 503
    someone = await cluster.replicas[0].sign_in("Person0 1")
    # Tokens are verified from memory; the replica cannot know newer revocations, until it refuses all tokens.
    assert (await api.get("/api/test/user", headers=bearer(someone.access_token))).status_code in (200, 503)


async def _generation(cluster: Cluster, access_token: str) -> int:
    session = int(claims(access_token)["sid"])
    rows = await cluster.nodes[0].query(f"SELECT generation FROM {DATABASE}.sessions WHERE id = {session}")
    generation: int = rows[0][0]
    return generation
