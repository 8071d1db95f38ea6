"""wrk, the load program: what it is told, and what it found."""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench.processes import Server

LUA = Path(__file__).with_name("lua")
WARM_SHARE = 0.25
# Beyond its own duration: wrk waits for the last answers.
PATIENCE_SECONDS = 60
MOST_REFUSED = 0.01


class LoadFailedError(Exception):
    """wrk failed, or the server refused what it was asked."""


class NothingAnsweredError(LoadFailedError):
    """Not one answer came in the time."""


@dataclass(frozen=True)
class Load:
    """What is sent: static, or after one of the Lua scripts with its arguments."""

    path: str
    method: str = "GET"
    headers: tuple[str, ...] = ()
    script: str = "report"
    arguments: tuple[str, ...] = ()
    warm: bool = True


@dataclass(frozen=True)
class Sample:
    """One run of wrk: requests a second, milliseconds, microseconds of processor a request, of server and of wrk."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    load_cpu_share: float
    requests: int
    rss_mib: float


def measure(server: Server, load: Load, *, seconds: float, connections: int) -> Sample:
    """Send a load and return what came of it; a warm one is sent for a moment before.

    Raises:
        LoadFailedError: more than one in a hundred answers was a refusal, or connections broke.
    """
    if load.warm:
        _run(server, load, seconds=max(1.0, seconds * WARM_SHARE), connections=connections)
    before = server.cpu_seconds()
    found, own_share = _run(server, load, seconds=seconds, connections=connections)
    used = server.cpu_seconds() - before
    requests = found["requests"]
    if not requests and not found["broken"]:
        raise NothingAnsweredError(f"{load.method} {load.path}: no answer within {seconds} s")
    if not requests or found["refused"] > requests * MOST_REFUSED or found["broken"]:
        raise LoadFailedError(f"{load.method} {load.path}: {found}")
    return Sample(
        per_second=requests / found["seconds"],
        p50_ms=found["p50_us"] / 1000,
        p99_ms=found["p99_us"] / 1000,
        cpu_us=used / requests * 1e6,
        load_cpu_share=own_share,
        requests=requests,
        rss_mib=server.rss_mib(),
    )


def start(server: Server, load: Load, *, seconds: float, connections: int) -> "subprocess.Popen[str]":
    """Start a load beside what is measured."""
    return subprocess.Popen(
        _command(server, load, seconds=seconds, connections=connections),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "LUA_PATH": f"{LUA}/?.lua;;"},
    )  # fmt: skip


def result_of(process: "subprocess.Popen[str]", *, seconds: float) -> dict[str, float]:
    """Wait for a load and return its numbers."""
    output, _ = process.communicate(timeout=seconds + PATIENCE_SECONDS)
    return _read(output)


def _run(server: Server, load: Load, *, seconds: float, connections: int) -> tuple[dict[str, float], float]:
    before, started = os.times(), time.perf_counter()
    process = start(server, load, seconds=seconds, connections=connections)
    found = result_of(process, seconds=seconds)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return found, used / (time.perf_counter() - started)


def _command(server: Server, load: Load, *, seconds: float, connections: int) -> Sequence[str]:
    headers = [part for header in load.headers for part in ("-H", header)]
    method = ("-H", "Content-Type: application/json") if load.method == "POST" and not _has_type(load) else ()
    scripts = LUA / f"{load.script}.lua"
    return [
        "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", *headers, *method,
        "-s", str(scripts), server.url + load.path, "--", load.method, *load.arguments,
    ]  # fmt: skip


def _has_type(load: Load) -> bool:
    return any(header.lower().startswith("content-type:") for header in load.headers)


def _read(output: str) -> dict[str, float]:
    for line in output.splitlines():
        if line.startswith("RESULT "):
            numbers: dict[str, float] = json.loads(line.removeprefix("RESULT "))
            return numbers
    raise LoadFailedError(output[-1000:])
