"""Three MariaDB servers that replicate to each other with Galera, in a temporary folder, on loopback."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomysql
from sqlalchemy import URL

from tests.support.missing import lacking

PROVIDERS = ("/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so")
REASON = "no Galera: install mariadb-server, galera-4 and rsync"
START_SECONDS = 180
PAUSE_SECONDS = 0.1
# A dead node is dropped after about a second; with the defaults, after about five.
PROVIDER_OPTIONS = (
    "gmcast.listen_addr=tcp://127.0.0.1:{group};ist.recv_addr=127.0.0.1:{ist};gcache.size=16M;"
    "evs.keepalive_period=PT0.3S;evs.inactive_check_period=PT0.3S;evs.suspect_timeout=PT1S;evs.inactive_timeout=PT3S"
)


@dataclass(frozen=True)
class Node:
    """One server of the cluster."""

    folder: Path
    process: "subprocess.Popen[bytes]"
    port: int

    def url(self, database: str) -> URL:
        """Return the address of a database on this node."""
        return URL.create("mysql+aiomysql", username="root", host="127.0.0.1", port=self.port, database=database)

    def kill(self) -> None:
        """End the server as a machine does that loses its power."""
        self.process.kill()
        self.process.wait()

    async def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement on this node; return its rows."""
        connection = await aiomysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True)
        try:
            async with connection.cursor() as cursor:
                await cursor.execute(statement)
                return list(await cursor.fetchall())
        finally:
            connection.close()

    async def until_synced(self, size: int) -> None:
        """Return when the node is one of so many, and has what they have."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            status: dict[str, str] = {}
            with suppress(OSError, aiomysql.MySQLError):
                rows = await self.query("SHOW GLOBAL STATUS LIKE 'wsrep\\_%'")
                status = {str(name): str(value) for name, value in rows}
            if (status.get("wsrep_local_state_comment"), status.get("wsrep_cluster_size")) == ("Synced", str(size)):
                return
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, f"{status} {self.log}"
            await asyncio.sleep(PAUSE_SECONDS)

    @property
    def log(self) -> str:
        """The last that the server has written."""
        return (self.folder / "error.log").read_text(errors="replace")[-3000:]


@contextmanager
def galera_cluster() -> Iterator[tuple[Node, ...]]:
    """Run three nodes until the block ends; skip where there is no Galera, or fail where CI says there must be."""
    provider = next((path for path in PROVIDERS if Path(path).exists()), None)
    if provider is None or not all(map(shutil.which, ("mariadbd", "mariadb-install-db", "rsync"))):
        lacking(REASON)
    with ExitStack() as stack:
        root = Path(stack.enter_context(_folder()))
        ports = _free_ports(12)
        groups = ports[3:6]
        address = "gcomm://" + ",".join(f"127.0.0.1:{port}" for port in groups)
        nodes = []
        for index in range(3):
            options = PROVIDER_OPTIONS.format(group=groups[index], ist=ports[6 + index])
            nodes.append(
                stack.enter_context(
                    _node(
                        root / f"node{index}",
                        port=ports[index],
                        arguments=(
                            f"--wsrep-provider={provider}",
                            f"--wsrep-cluster-address={address}",
                            f"--wsrep-provider-options={options}",
                            f"--wsrep-node-address=127.0.0.1:{groups[index]}",
                            f"--wsrep-sst-receive-address=127.0.0.1:{ports[9 + index]}",
                            *(["--wsrep-new-cluster"] if index == 0 else []),
                        ),
                    )
                )
            )
            if index == 0:
                asyncio.run(nodes[0].until_synced(1))
        for node in nodes:
            asyncio.run(node.until_synced(3))
        yield tuple(nodes)


@contextmanager
def _node(folder: Path, *, port: int, arguments: tuple[str, ...]) -> Iterator[Node]:
    data = folder / "data"
    data.mkdir(parents=True)
    data.chmod(0o777)  # the rsync daemon of a joining node writes as nobody where it is started by root
    small = ("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M")
    if "--wsrep-new-cluster" in arguments:
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", *small]
        subprocess.run(
            [*install, "--auth-root-authentication-method=normal", "--skip-test-db"], check=True, capture_output=True
        )
    process = subprocess.Popen(
        [
            "mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={folder}/socket", f"--port={port}",
            f"--pid-file={folder}/pid", "--bind-address=127.0.0.1", f"--log-error={folder}/error.log", "--user=root",
            *small, "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--innodb-flush-log-at-trx-commit=2",
            "--wsrep-on=ON", "--wsrep-cluster-name=gatepost-test", "--wsrep-sst-method=rsync",
            # Reads, updates and inserts see all that was committed anywhere before them.
            "--wsrep-sync-wait=7", *arguments,
        ]
    )  # fmt: skip
    try:
        yield Node(folder, process, port)
    finally:
        process.kill()
        process.wait()


@contextmanager
def _folder() -> Iterator[str]:
    # A socket's path may have 107 characters; pytest's folders are long.
    path = subprocess.run(["mktemp", "-d", "-t", "galera-XXXXXX"], check=True, capture_output=True, text=True)
    folder = path.stdout.strip()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(item.getsockname()[1]) for item in sockets]
