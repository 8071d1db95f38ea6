"""A Redis of our own, for tests that stop it."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis import Redis

from tests.support.missing import lacking

REASON = "no redis-server: install it (Debian: redis-server) so that the tests can start their own"
START_SECONDS = 20


@dataclass
class RedisServer:
    """A `redis-server` on a port of its own, with nothing kept on disk."""

    folder: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and return when it answers."""
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                assert time.monotonic() < deadline, "the private Redis does not answer"
                time.sleep(0.05)

    def connections(self) -> int:
        """Return how many connections were made to it, this one included."""
        with Redis(port=self.port) as client:
            return int(client.info("stats")["total_connections_received"])

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Give a running Redis; skip where none is installed, or fail where CI says that one must be."""
    if shutil.which("redis-server") is None:
        lacking(REASON)
    with tempfile.TemporaryDirectory(prefix="gatepost-redis-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        server = RedisServer(folder, port)
        server.start()
        try:
            yield server
        finally:
            server.kill()
