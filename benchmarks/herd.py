"""What others feel while a herd signs in.

    python benchmarks/herd.py [--sign-ins 64] [--seconds 15] [--workers 1] [--rounds 12]

Starts `gatepost serve` on an SQLite database of its own, lets many clients sign in without a pause, and meanwhile
asks a route that verifies an access token, and /healthz, 50 times a second each, as an app would. Prints the
percentiles of these, alone and within the herd. Other programs on the machine disturb it: as root, `nice -n -15`
before the command keeps most of them away.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

PERSON = {"username": "herd", "email": "herd@example.com", "password": "correct horse battery"}
PAUSE_SECONDS = 0.02


async def sample(client: httpx.AsyncClient, path: str, *, headers: dict[str, str], until: float) -> list[float]:
    """Ask again and again; return the milliseconds that each answer took, those that failed as a minute."""
    took = []
    while time.monotonic() < until:
        start = time.monotonic()
        answer = await client.get(path, headers=headers)
        spent = time.monotonic() - start
        took.append(spent * 1000 if answer.is_success else 60_000)
        await asyncio.sleep(max(PAUSE_SECONDS - spent, 0))
    return took


async def sign_in(client: httpx.AsyncClient, *, until: float, seen: Counter[int]) -> None:
    """Sign in again and again; whoever is told to wait does so."""
    while time.monotonic() < until:
        answer = await client.post("/api/auth/signin", json={name: PERSON[name] for name in ("username", "password")})
        seen[answer.status_code] += 1
        if answer.status_code != 200:
            await asyncio.sleep(float(answer.headers.get("retry-after", "1")))


def told(name: str, took: list[float]) -> str:
    """Return a line of percentiles."""
    took.sort()
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    return f"{name:32} {len(took):6} answers   p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   max {took[-1]:7.1f} ms"


async def measure(url: str, *, sign_ins: int, seconds: float) -> None:
    """Measure alone, then within the herd."""
    limits = httpx.Limits(max_connections=None)
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as calm,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=60, limits=limits) as herd,
    ):
        token = (await calm.post("/api/auth/signup", json=PERSON)).raise_for_status().json()["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}
        for clients in (0, sign_ins):
            until, seen = time.monotonic() + seconds, Counter[int]()
            async with asyncio.TaskGroup() as group:
                for _ in range(clients):
                    group.create_task(sign_in(herd, until=until, seen=seen))
                board = group.create_task(sample(calm, "/api/test/user", headers=headers, until=until))
                health = group.create_task(sample(calm, "/healthz", headers={}, until=until))
            show(f"{clients} clients sign in; answers by status: {dict(seen)}; {seen[200] / seconds:.1f} a second")
            show(told("  GET with a verified token", board.result()))
            show(told("  GET /healthz", health.result()))


def show(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve, measure, stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sign-ins", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--workers", default="1")
    parser.add_argument("--rounds", default="12")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        settings = {"PORT": "0", "DATA_DIR": folder, "BCRYPT_ROUNDS": options.rounds, "WORKERS": options.workers}
        server = subprocess.Popen(
            [sys.executable, "-m", "gatepost", "serve"],
            env={**os.environ, **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while not (found := re.search(r"running on (http\S+)", (Path(folder) / "log").read_text())):
                if server.poll() is not None:
                    sys.exit((Path(folder) / "log").read_text())
                time.sleep(0.1)
            time.sleep(5 if options.workers != "1" else 0.5)
            asyncio.run(measure(found[1], sign_ins=options.sign_ins, seconds=options.seconds))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
