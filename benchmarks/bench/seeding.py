"""The accounts of a target, and the tokens that its operations use up."""

import contextlib
import itertools
import json
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt

from benchmarks.bench import apis, plan
from benchmarks.bench.apis import Api
from benchmarks.bench.databases import execute, rows
from benchmarks.bench.processes import Server
from benchmarks.bench.targets import OURS, Target

MINT = Path(__file__).with_name("mint.py")
ADMIN = 0
# A server that just started on a busy machine may ask to come back.
BUSY, ATTEMPTS = 503, 5
counter = itertools.count(1)


@dataclass(frozen=True)
class Seeds:
    """Tokens of the accounts, in files where wrk reads them."""

    access: str
    admin: str
    credentials: Path
    refresh: Path


def sign_up_all(server: Server, api: Api) -> None:
    """Make the accounts; one of them will be an administrator."""

    def sign_up(number: int) -> None:
        # An earlier attempt may have made it; if not, nobody can sign in.
        with contextlib.suppress(urllib.error.HTTPError):
            _post(server, api.sign_up, _body(api.new_account, number))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(sign_up, range(plan.ACCOUNTS)))


def promote(target: Target, url: str) -> None:
    """Make account 0 an administrator, in the peer's own table."""
    statement = target.api.promote.format(n=ADMIN)
    if url.startswith("sqlite"):
        script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
        subprocess.run([sys.executable, "-c", script, url.removeprefix("sqlite:///"), statement], check=True)
    else:
        execute(url, statement)


def sign_in_all(server: Server, api: Api, folder: Path) -> Seeds:
    """Sign every account in."""
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda n: _sign_in(server, api, n), range(plan.ACCOUNTS)))
    bodies = [_body(api.credentials, n) for n in range(1, plan.ACCOUNTS)]
    return Seeds(
        access=api.token_header.format(answers[1][api.access]),
        admin=api.token_header.format(answers[ADMIN][api.access]),
        credentials=_write(folder, "credentials", bodies),
        refresh=_write(folder, "refresh", [answer.get(api.refresh, "") for answer in answers[1:]]),
    )


def grown(server: Server, api: Api, folder: Path, *, tokens: list[str], numbers: list[int]) -> Seeds:
    """Return what accounts need that SQL has inserted: refresh tokens, and the numbers of those that sign in."""
    credentials = api.credentials.replace("bench{n}", "many{n}")
    answer = _post(server, api.sign_in, _body(credentials, numbers[0]), kind=api.sign_in_type)
    access = api.token_header.format(answer[api.access])
    return Seeds(
        access=access,
        admin=access,
        credentials=_write(folder, "credentials", [_body(credentials, number) for number in numbers]),
        refresh=_write(folder, "refresh", tokens),
    )


def new_accounts(api: Api, folder: Path, *, count: int = 4000) -> Path:
    """Return bodies of sign-ups of accounts that nobody has."""
    mark = secrets.token_hex(4)
    return _write(folder, "new-accounts", [_body(api.new_account, f"{mark}x{n}") for n in range(count)])


def sign_outs(target: Target, url: str, env: Mapping[str, str], folder: Path, *, count: int) -> Path:
    """Return tokens of sessions that go on, one each, as the sign-out sends them: bodies, or header values."""
    api = target.api
    if api is apis.GATEPOST:
        mint(env, folder, access=0, refresh=count)
        tokens = (folder / "refresh.txt").read_text().split()
    elif api is apis.DJANGO:
        tokens = _django_refresh_tokens(url, count)
    elif api is apis.BETTER_AUTH:
        return _write(folder, "sign-outs", [f"Bearer {token}" for token in _better_auth_sessions(url, count)])
    else:
        raise NotImplementedError(target.name)
    return _write(folder, "sign-outs", [api.sign_out_body.format(token=token) for token in tokens])


def mint(env: Mapping[str, str], folder: Path, *, access: int, refresh: int) -> None:
    """Let Gatepost's own classes write tokens of Gatepost."""
    command = [str(OURS / "python"), str(MINT), str(access), str(refresh), str(folder)]
    patient = {**env, "DB_TIMEOUT_SECONDS": "60"}
    subprocess.run(command, env=patient, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _django_refresh_tokens(url: str, count: int) -> list[str]:
    user = rows(url, "SELECT id FROM auth_user WHERE username = 'bench1'")[0][0]
    now = datetime.now(UTC)
    claims = {"token_type": "refresh", "exp": now + timedelta(days=1), "iat": now, "user_id": str(user)}
    secret = "a-secret-of-the-benchmark-0123456789"
    return [jwt.encode({**claims, "jti": secrets.token_hex(16)}, secret, "HS256") for _ in range(count)]


def _better_auth_sessions(url: str, count: int) -> list[str]:
    user = rows(url, "SELECT id FROM user WHERE email = 'bench1@example.com'")[0][0]
    tokens = [secrets.token_hex(16) for _ in range(count)]
    for start in range(0, count, 1000):
        values = ", ".join(
            f"('{secrets.token_hex(16)}', NOW() + INTERVAL 7 DAY, '{token}', NOW(), NOW(), '{user}')"
            for token in tokens[start : start + 1000]
        )
        columns = "id, expiresAt, token, createdAt, updatedAt, userId"
        execute(url, f"INSERT INTO session ({columns}) VALUES {values}")
    return tokens


def _sign_in(server: Server, api: Api, number: int) -> dict[str, Any]:
    return _post(server, api.sign_in, _body(api.credentials, number), kind=api.sign_in_type)


def _post(server: Server, path: str, body: str, *, kind: str = apis.JSON) -> dict[str, Any]:
    request = urllib.request.Request(
        server.url + path, body.encode(), {"Content-Type": kind.partition(": ")[2], "User-Agent": ""}
    )
    for attempt in itertools.count(1):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                found: dict[str, Any] = json.loads(answer.read() or b"{}")
                return found
        except urllib.error.HTTPError as error:
            if error.code != BUSY or attempt == ATTEMPTS:
                raise
        time.sleep(1)
    raise AssertionError


def _body(template: str, number: object) -> str:
    return template.replace("{n}", str(number))


def _write(folder: Path, name: str, lines: list[str]) -> Path:
    path = folder / f"{name}-{next(counter)}.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path
