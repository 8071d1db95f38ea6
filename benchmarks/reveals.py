"""Whether the time of an answer tells that an address has an account, or what kind of password hash the account has.

Sends requests for a known and an unknown address in turn to one running service, and prints the ratio of the medians
beside the ratio between two halves of the known one's, which is the noise of this machine. With `--kinds` also for
accounts with other kinds of hashes, which must have been imported before the service starts.

    export GUESSES_PER_ACCOUNT=100000 GUESSES_PER_ADDRESS=100000 RATE_LIMITS=false
    python benchmarks/reveals.py --write-accounts accounts.jsonl
    gatepost migrate && gatepost import jsonl accounts.jsonl
    gatepost serve &
    python benchmarks/reveals.py --url http://localhost:8080 --rounds 100 --kinds
"""

import argparse
import json
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import httpx
from passlib.hash import bcrypt, bcrypt_sha256, django_pbkdf2_sha256, phpass
from rich.console import Console
from rich.progress import track
from rich.table import Table

PASSWORD = "correct horse battery"  # noqa: S105  of accounts that this program makes
# Typed in full width, it is checked as it was typed, too, where an earlier system hashed it.
WRONG = {"wrong password": "wrong horse", "wrong password, full width": "\uff57rong\u3000horse"}
# Cheaper than new hashes, as dear and dearer, and of other schemes. All of them are 2.2 times the work of one new hash.
HASHERS = {
    "bcrypt-8": bcrypt.using(rounds=8),
    "bcrypt-sha256-10": bcrypt_sha256.using(rounds=10),
    "bcrypt-13": bcrypt.using(rounds=13),
    "pbkdf2": django_pbkdf2_sha256.using(rounds=100_000),
    "phpass": phpass.using(rounds=11),
}
KINDS = (*HASHERS, "no-password")

Ask = Callable[[str], httpx.Response]


def main() -> None:
    """Measure each route and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://localhost:8080")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--kinds", action="store_true", help="measure the accounts that were imported, too")
    parser.add_argument("--write-accounts", type=Path, metavar="FILE", help="write what to import, and end")
    arguments = parser.parse_args()
    if arguments.write_accounts:
        arguments.write_accounts.write_text("".join(map(_line, KINDS)), encoding="utf-8")
        return
    mark = uuid.uuid4().hex[:8]
    known, unknown = f"known-{mark}@example.com", f"unknown-{mark}@example.com"
    with httpx.Client(base_url=arguments.url, timeout=30) as http:
        account = {"username": f"known-{mark}", "email": known, "password": PASSWORD}
        http.post("/api/auth/signup", json=account).raise_for_status()
        table = Table("what is asked", "known (ms)", "unknown (ms)", "known / unknown", "noise")
        for name, ask, email in _questions(http, known, kinds=KINDS if arguments.kinds else ()):
            table.add_row(name, *_row(ask, email, unknown, rounds=arguments.rounds, name=name))
    Console().print(table)


def _questions(http: httpx.Client, known: str, *, kinds: Sequence[str]) -> Iterator[tuple[str, Ask, str]]:
    """Yield what to measure: its name, how to ask for an address, and the address that is known."""
    yield "forgotten password", partial(_post, http, "/api/auth/password/forgot"), known
    yield "confirmation mail again", partial(_post, http, "/api/auth/email/resend"), known
    yield "code by mail", partial(_post, http, "/api/auth/email-code"), known
    yield "wrong code by mail", partial(_wrong_code, http), known
    for name, wrong in WRONG.items():
        ask = partial(_post, http, "/api/auth/signin", password=wrong)
        yield f"sign-in, {name}", ask, known
        for kind in kinds:
            yield f"sign-in, {name}, {kind}", ask, _address(kind)


def _post(http: httpx.Client, path: str, email: str, **body: str) -> httpx.Response:
    return http.post(path, json={"email": email, **body})


def _wrong_code(http: httpx.Client, email: str) -> httpx.Response:
    """Request a code, and try one that cannot be right."""
    _post(http, "/api/auth/email-code", email).raise_for_status()
    return _post(http, "/api/auth/email-code/signin", email, code="none")


def _address(kind: str) -> str:
    return f"{kind}@kinds.example.com"


def _line(kind: str) -> str:
    account = {"username": kind, "email": _address(kind)}
    if kind in HASHERS:
        account["password_hash"] = HASHERS[kind].hash(PASSWORD)
    return json.dumps(account) + "\n"


def _row(ask: Ask, known: str, unknown: str, *, rounds: int, name: str) -> tuple[str, str, str, str]:
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
