"""A cluster of three nodes, and a replica of the service on each."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatepost.core.db.database import create_engine
from gatepost.core.db.migrations import migrate
from tests.galera.cluster import Node, galera_cluster
from tests.support.api import Api
from tests.support.server import GatepostServer, gatepost_server
from tests.support.workers import SECRET, api_of

DATABASE = "gatepost"


@dataclass(frozen=True)
class Cluster:
    """Three nodes, and the replica that works with each, by its index."""

    nodes: Sequence[Node]
    replicas: Sequence[Api]


@pytest.fixture(scope="session")
def nodes() -> Iterator[Sequence[Node]]:
    """Give the nodes, with the newest schema."""
    with galera_cluster() as nodes:
        asyncio.run(_migrated(nodes[0]))
        yield nodes


@pytest.fixture(scope="session")
def servers(nodes: Sequence[Node], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[GatepostServer]]:
    """Give a replica for each node, all started at the same moment."""

    def start(node: Node) -> AbstractContextManager[GatepostServer]:
        return _replica(tmp_path_factory.mktemp("replica"), node)

    with ExitStack() as stack, ThreadPoolExecutor(len(nodes)) as threads:
        yield list(threads.map(stack.enter_context, map(start, nodes)))


@pytest.fixture(scope="session")
async def cluster(nodes: Sequence[Node], servers: Sequence[GatepostServer]) -> AsyncIterator[Cluster]:
    """Give the nodes and the APIs of their replicas."""
    async with AsyncExitStack() as stack:
        yield Cluster(nodes, [await stack.enter_async_context(api_of(server)) for server in servers])


@contextmanager
def _replica(folder: Path, node: Node) -> Iterator[GatepostServer]:
    url = node.url(DATABASE).render_as_string(hide_password=False)
    with ExitStack() as stack:
        # A busy machine, which runs three database servers and three replicas, must not fail a test.
        settings = {"DATABASE_URL": url, "SECRET_KEY": SECRET, "DB_TIMEOUT_SECONDS": "10", "RATE_LIMITS": "false"}
        server = stack.enter_context(gatepost_server(folder, **settings))
        yield server
        try:
            stack.close()
        except AssertionError:
            # SQLAlchemy logs, with its stack, that it cannot reset a connection whose server is gone.
            if "Exception during reset" not in server.log or re.search(r"request \w+ failed", server.log):
                raise


async def _migrated(node: Node) -> None:
    await node.query(f"CREATE DATABASE {DATABASE}")
    engine = create_engine(node.url(DATABASE), timeout_seconds=60)
    await migrate(engine)
    await engine.dispose()
