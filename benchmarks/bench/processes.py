"""A server under measurement: started, watched through /proc, stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 15
POLL_SECONDS = 0.01
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


class ServerFailedError(Exception):
    """The server did not start, or ended by itself; the message has the end of its log."""


@dataclass(frozen=True)
class Server:
    """A server that answers at `url`; `start_seconds` is from the command to its first answer."""

    url: str
    pid: int
    start_seconds: float

    def cpu_seconds(self) -> float:
        """Return the processor time of all its processes so far."""
        return sum(_cpu_seconds(pid) for pid in _tree(self.pid))

    def rss_mib(self) -> float:
        """Return the memory of all its processes."""
        return sum(_rss_mib(pid) for pid in _tree(self.pid))


@contextmanager
def running(
    command: Sequence[str], *, port: int, ready: str, cwd: Path, env: Mapping[str, str], log: Path
) -> Iterator[Server]:
    """Run a server until the block ends, in a process group of its own.

    Raises:
        ServerFailedError: it does not answer.
    """
    url = f"http://127.0.0.1:{port}"
    with log.open("ab") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(command), cwd=cwd, env=dict(env), stdout=output, stderr=output, start_new_session=True
        )
    try:
        while not _answers(url + ready):
            if process.poll() is not None or time.perf_counter() - started > START_SECONDS:
                raise ServerFailedError(f"{command[0]} does not answer: {_end_of(log)}")
            time.sleep(POLL_SECONDS)
        yield Server(url, process.pid, time.perf_counter() - started)
        if process.poll() is not None:
            raise ServerFailedError(f"{command[0]} ended by itself: {_end_of(log)}")
    finally:
        _stop(process)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            break
    with contextlib.suppress(ProcessLookupError):  # workers that outlived their master
        os.killpg(process.pid, signal.SIGKILL)


def _tree(pid: int) -> list[int]:
    found = [pid]
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                found += _tree(int(child))
    return found


def _cpu_seconds(pid: int) -> float:
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    # Of the process and of its children that have ended: user and system time each.
    return sum(int(ticks) for ticks in after_name[11:15]) / TICKS


def _rss_mib(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MIB
    except OSError:
        return 0.0


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-1500:]
