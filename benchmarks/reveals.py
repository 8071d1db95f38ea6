"""Whether the time of an answer tells that an address has an account.

Sends requests for a known and an unknown address in turn to one running service, and prints the ratio of the medians
beside the ratio between two halves of the known one's, which is the noise of this machine.

    GUESSES_PER_ACCOUNT=1000 GUESSES_PER_ADDRESS=1000 RATE_LIMITS=false gatepost serve &
    python benchmarks/reveals.py --url http://localhost:8080 --rounds 100
"""

import argparse
import statistics
import sys
import time
import uuid
from collections.abc import Callable

import httpx
from rich.console import Console
from rich.progress import track
from rich.table import Table

PASSWORD = "correct horse battery"  # noqa: S105  of an account that this program makes


def main() -> None:
    """Measure each route and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://localhost:8080")
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parser.parse_args()
    mark = uuid.uuid4().hex[:8]
    known, unknown = f"known-{mark}@example.com", f"unknown-{mark}@example.com"
    with httpx.Client(base_url=arguments.url, timeout=30) as http:
        account = {"username": f"known-{mark}", "email": known, "password": PASSWORD}
        http.post("/api/auth/signup", json=account).raise_for_status()
        routes: dict[str, Callable[[str], httpx.Response]] = {
            "sign-in, wrong password": lambda email: http.post(
                "/api/auth/signin", json={"email": email, "password": "wrong horse"}
            ),
            "forgotten password": lambda email: http.post("/api/auth/password/forgot", json={"email": email}),
            "confirmation mail again": lambda email: http.post("/api/auth/email/resend", json={"email": email}),
        }
        table = Table("route", "known (ms)", "unknown (ms)", "known / unknown", "noise")
        for name, ask in routes.items():
            table.add_row(name, *_row(ask, known, unknown, rounds=arguments.rounds, name=name))
    Console().print(table)


def _row(
    ask: Callable[[str], httpx.Response], known: str, unknown: str, *, rounds: int, name: str
) -> tuple[str, str, str, str]:
    times: dict[str, list[float]] = {known: [], unknown: []}
    for _ in track(range(rounds), description=name):
        for email, samples in times.items():
            began = time.perf_counter()
            answer = ask(email)
            samples.append((time.perf_counter() - began) * 1000)
            if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                sys.exit("The service counts these requests: start it with the settings that --help shows.")
    medians = {email: statistics.median(samples) for email, samples in times.items()}
    noise = statistics.median(times[known][::2]) / statistics.median(times[known][1::2])
    ratio = medians[known] / medians[unknown]
    return f"{medians[known]:.1f}", f"{medians[unknown]:.1f}", f"{ratio:.3f}", f"{noise:.3f}"


if __name__ == "__main__":
    main()
