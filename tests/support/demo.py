"""People, roles and figures for pictures: a service that looks as if it had been in use for months."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpx

from tests.support.server import GatepostServer

PASSWORD = "correct horse"
NAMES = (
    "Ada Lovelace", "Ben Haddad", "Chloé Novák", "Dan Yılmaz", "Elif Okafor", "Fritz Mensah", "Grace Hopper",
    "Heba Salami", "Ivo Berg", "Jana Novák", "Kofi Mensah", "Lena Schmidt", "Mila Berg", "Noor Haddad", "Olga Lovelace",
    "Paul Schmidt", "Quinn Okafor", "Rosa Hopper", "Samir Salami", "Tom Berg", "Uma Novák", "Vera Yılmaz",
)  # fmt: skip
PLAIN = str.maketrans("éıáü", "eiau")
AGENTS = (
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
)
ROLES = (
    ("support", "Answers customers and helps them back in.", ["users:read", "audit:read", "tickets:close"]),
    ("billing", "Invoices and refunds.", ["invoices:write", "orders:read", "orders:refund"]),
)
GIVEN = {1: ["user", "moderator"], 4: ["user", "support"], 7: ["user", "support", "billing"], 12: ["user", "admin"]}
INVITED: dict[str, list[str]] = {
    "nina@example.com": ["moderator"],
    "omar@example.org": [],
    "petra@example.net": ["support", "billing"],
}
# Of the people, the one whose page is shown.
SHOWN = 7
DAYS = 90
SECONDS_A_DAY = 86400


def fill(server: GatepostServer, *, administrator: str) -> int:
    """Fill a service on SQLite; return the id of the person whose page is worth showing."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        people = [_sign_up(client, place) for place in range(len(NAMES))]
        signed_in = client.post("/api/auth/signin", json={"username": administrator, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {signed_in.json()['accessToken']}"
        _administer(client, people)
    server.command("keys", "rotate", "--force")
    with closing(sqlite3.connect(next(server.folder.rglob("*.db")), timeout=30)) as database, database:
        _make_older(database)
        rows = list(_figures(random.Random(4)))
        database.executemany("INSERT OR REPLACE INTO daily_statistics VALUES (?, ?, ?, ?, ?)", rows)
    return people[SHOWN]


def _sign_up(client: httpx.Client, place: int) -> int:
    name = NAMES[place]
    email = f"{name.replace(' ', '.').lower().translate(PLAIN)}@example.com"
    agents = [AGENTS[(place + number) % len(AGENTS)] for number in range(3)]
    body = {"username": name, "email": email, "password": PASSWORD}
    made: int = client.post("/api/auth/signup", json=body, headers={"User-Agent": agents[0]}).json()["id"]
    for agent in agents[1 : 3 if place == SHOWN else 2]:
        client.post("/api/auth/signin", json={"username": name, "password": PASSWORD}, headers={"User-Agent": agent})
    if place % 5 == 0:
        client.post("/api/auth/signin", json={"username": name, "password": "wrong horse"})
    return made


def _administer(client: httpx.Client, people: list[int]) -> None:
    for name, description, permissions in ROLES:
        client.post("/api/admin/roles", json={"name": name, "description": description, "permissions": permissions})
    for place, person in enumerate(people):
        if place % 4:
            client.patch(f"/api/admin/users/{person}", json={"emailVerified": True})
        if place in GIVEN:
            client.put(f"/api/admin/users/{person}/roles", json={"roles": GIVEN[place]})
    client.post(f"/api/admin/users/{people[18]}/disable")
    for email, roles in INVITED.items():
        client.post("/api/admin/invitations", json={"email": email, "roles": roles})


def _make_older(database: sqlite3.Connection) -> None:
    """Spread what has just been made over the last months; the hash chain of the log is broken by it."""
    highest = "(SELECT max(id) FROM users)"
    database.execute(
        f"UPDATE users SET created_at = datetime(created_at, ((id - {highest}) * 5) || ' days', (-id) || ' hours')"
    )
    database.execute("UPDATE sessions SET last_used_at = datetime(last_used_at, (-id * 17 % 4000) || ' minutes')")
    # The service writes it once a minute; one account in seven has never been used.
    database.execute(
        "UPDATE users SET last_sign_in_at = CASE WHEN id % 7 THEN "
        "(SELECT max(last_used_at) FROM sessions WHERE user_id = users.id) END"
    )
    newest = "(SELECT max(id) FROM audit_log)"
    database.execute(f"UPDATE audit_log SET at = datetime(at, ((id - {newest}) * 13) || ' minutes')")
    database.execute(
        "UPDATE audit_log SET address = '203.0.113.' || (7 + id % 5 * 31) WHERE address <> '' AND actor_id IS NULL"
    )
    database.execute("UPDATE sessions SET address = '203.0.113.' || (7 + id % 5 * 31)")
    some = "FROM users WHERE id % 3 = 0"
    database.execute(f"INSERT INTO totp SELECT id, 'sealed', 0, created_at, created_at, NULL {some}")
    database.execute(f"INSERT INTO recovery_codes SELECT id, 'sealed', '[]', 1023, created_at, NULL {some}")
    for kind, hours in (("created", 31), ("activated", 30), ("retiring", 30)):
        database.execute(f"UPDATE signing_keys SET {kind}_at = datetime({kind}_at, '-{hours} hours')")


def _figures(dice: random.Random) -> Iterator[tuple[str, str, str, int, str]]:
    now = datetime.now(UTC)
    so_far = (now.hour * 3600 + now.minute * 60) / SECONDS_A_DAY
    for ago in range(DAYS):
        day = (now - timedelta(days=ago)).date()
        share = (0.55 if day.weekday() >= 5 else 1) * (1.4 - ago / DAYS) * (so_far if ago == 0 else 1)
        for name, detail, value in (
            ("account.created", "", dice.uniform(10, 24) * share),
            ("session.opened", "", dice.uniform(220, 320) * share),
            ("sign_in.failed", "wrong_password", dice.uniform(15, 30) * share),
            ("sign_in.failed", "unknown_account", dice.uniform(4, 12) + (90 if ago in (11, 12) else 0)),
            ("sign_in.failed", "unverified", dice.uniform(0, 4)),
            ("refresh_token.rejected", "expired", dice.uniform(2, 8)),
            ("sessions", "", 900 * (1.4 - ago / DAYS) + dice.uniform(-20, 20)),
            ("people", "", 1840 - 9 * ago),
            ("people.second_factor", "", (1840 - 9 * ago) * (0.31 - 0.19 * (ago / DAYS) ** 0.7)),
            *((("people.disabled", "", 12), ("people.unverified", "", 210)) if ago == 0 else ()),
        ):
            yield day.isoformat(), name, detail, int(value), now.strftime("%Y-%m-%d %H:%M:%S.000000")
