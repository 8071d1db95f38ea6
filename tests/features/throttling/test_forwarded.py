"""The address of a client: what it says of itself changes nothing."""

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import URL, select
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gatepost.core.db.database import Database
from gatepost.http.server.trusted_proxies import trusted_proxies
from gatepost.identity.sessions.models import Session
from tests.support.api import PASSWORD
from tests.support.server import gatepost_server

PROXIES = ("10.0.0.1", "10.1.0.0/16", "2001:db8:f::/48")
BODY = {"username": "Abbey", "email": "a@example.com", "password": PASSWORD}
Headers = list[tuple[str, str]]


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return one database: what is asked here is not of it."""
    return sqlite_url


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", ["198.51.100.9"], "203.0.113.7"),
        ("10.0.0.2", ["198.51.100.9"], "10.0.0.2"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("::ffff:10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("10.1.2.3", ["::ffff:198.51.100.9"], "198.51.100.9"),
        # What stands on the left is the client's own word, whatever it looks like.
        ("10.0.0.1", ["203.0.113.1, 198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["10.0.0.1, 198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["127.0.0.1, garbage, , 198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["203.0.113.1", "198.51.100.9"], "198.51.100.9"),
        # Several proxies, each of which adds what it saw.
        ("10.0.0.1", ["203.0.113.1, 198.51.100.9, 10.1.200.9"], "198.51.100.9"),
        ("10.0.0.1", ["198.51.100.9, 2001:db8:f::5, 10.1.200.9"], "198.51.100.9"),
        ("2001:db8:f:1::1", ["203.0.113.1, 2001:db8:1::99"], "2001:db8:1::99"),
        ("2001:db8:e::1", ["2001:db8:1::99"], "2001:db8:e::1"),
        # With ports, as some proxies write them.
        ("10.0.0.1", ["203.0.113.1, 198.51.100.9:41234"], "198.51.100.9"),
        ("10.0.0.1", ["[2001:db8:1::99]:41234"], "2001:db8:1::99"),
        # A proxy that says something else than an address.
        ("10.0.0.1", ["203.0.113.1, unknown"], ""),
        ("10.0.0.1", [""], "10.0.0.1"),
    ],
)
async def test_rightmost_address_that_no_trusted_proxy_has_counts(
    app: FastAPI, database: Database, peer: str, forwarded: list[str], address: str
) -> None:
    behind = ProxyHeadersMiddleware(app, trusted_proxies(PROXIES))  # type: ignore[arg-type]
    transport = httpx.ASGITransport(behind, client=(peer, 50000))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        headers = [("X-Forwarded-For", value) for value in forwarded]
        assert (await client.post("/api/auth/signup", json=BODY, headers=headers)).status_code == 201

    async with database.read() as tx:
        assert await tx.scalar(select(Session.address)) == address


@pytest.mark.parametrize(
    ("trusted", "last_hop"), [("", ""), ("127.0.0.1", ", 198.51.100.9"), ("192.0.2.1", ", 198.51.100.9")]
)
def test_forged_address_does_not_help_a_guesser(trusted: str, last_hop: str) -> None:
    with gatepost_server(TRUSTED_PROXIES=trusted, GUESSES_PER_ADDRESS="3") as server:
        statuses = [
            httpx.post(
                f"{server.url}/api/auth/signin",
                json={"username": f"victim {index}", "password": "wrong horse"},
                headers={"X-Forwarded-For": f"203.0.113.{index}{last_hop}"},
                trust_env=False,
            ).status_code
            for index in range(5)
        ]

    assert statuses == [401, 401, 401, 429, 429]
