"""The public keys, and the metadata that leads to them."""

import httpx
import jwt
from sqlalchemy import select

from gatepost.core.db.database import Database
from gatepost.core.settings import JwtAlgorithm
from gatepost.identity.keys.models import StoredKey
from tests.conftest import SECRET, MakeServices, http_client, started
from tests.features.keys.conftest import every_algorithm
from tests.support.api import Api, assert_problem
from tests.support.links import take_mails

MEMBERS = {
    JwtAlgorithm.ES256: {"kty", "crv", "x", "y", "alg", "use", "kid"},
    JwtAlgorithm.RS256: {"kty", "n", "e", "alg", "use", "kid"},
}
BASE = "http://localhost:8080"


@every_algorithm
async def test_key_set_has_the_public_members_and_no_other(api: Api, algorithm: JwtAlgorithm) -> None:
    answer = await api.get("/.well-known/jwks.json")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=300"
    keys = answer.json()["keys"]
    assert len(keys) == 2
    for key in keys:
        assert key.keys() == MEMBERS[algorithm]
        assert (key["alg"], key["use"]) == (algorithm.value, "sig")


async def test_metadata_names_the_issuer_and_every_address(api: Api) -> None:
    answer = await api.get("/.well-known/oauth-authorization-server")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.json() == {
        "issuer": BASE,
        "token_endpoint": f"{BASE}/api/auth/token",
        "jwks_uri": f"{BASE}/.well-known/jwks.json",
        "introspection_endpoint": f"{BASE}/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint": f"{BASE}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": ["none"],
        "token_endpoint_auth_methods_supported": ["none"],
        "grant_types_supported": ["password", "refresh_token"],
        "response_types_supported": [],
        "service_documentation": f"{BASE}/docs",
        "gatepost_revocations_endpoint": f"{BASE}/api/auth/revocations",
        "gatepost_audience": "gatepost",
    }
    for name, address in answer.json().items():
        if name.endswith(("_endpoint", "_uri")):
            assert await _exists(api, address.removeprefix(BASE)), name


async def test_metadata_follows_the_public_address(make_services: MakeServices) -> None:
    services = make_services(public_url="https://login.example/auth", jwt_audience="shop")
    async with started(services) as app, http_client(app) as client:
        body = (await client.get("/.well-known/oauth-authorization-server")).json()

    assert body["issuer"] == "https://login.example/auth"
    assert body["jwks_uri"] == "https://login.example/auth/.well-known/jwks.json"
    assert body["gatepost_audience"] == "shop"


async def test_slash_at_the_end_of_the_public_address_is_in_the_issuer_alone(make_services: MakeServices) -> None:
    services = make_services(public_url="https://login.example/")
    async with started(services) as app, http_client(app) as client:
        person = await Api(client).sign_up()
        metadata = (await client.get("/.well-known/oauth-authorization-server")).json()
        problem = (await client.get("/nothing")).json()
        board = await client.get("/api/test/user", headers=person.headers)
        (mail,) = await take_mails(services)

    # Other services compare it to the letter.
    assert metadata.pop("issuer") == _issuer(person.access_token) == "https://login.example/"
    assert metadata["jwks_uri"] == "https://login.example/.well-known/jwks.json"
    assert board.status_code == 200
    assert problem["type"] == "https://login.example/errors#not_found"
    assert "https://login.example/verify-email#token=" in mail.text
    for text in (*map(str, metadata.values()), problem["type"], mail.text):
        assert "example//" not in text


@every_algorithm
async def test_private_keys_cannot_be_read_in_the_database(api: Api, database: Database) -> None:
    async with database.read() as tx:
        stored = (await tx.scalars(select(StoredKey))).all()

    assert len(stored) == 2
    for key in stored:
        assert "PRIVATE KEY" not in key.encrypted_pem
        assert key.encrypted_pem.startswith("gAAAA")  # Fernet: a version and a time before what is encrypted
        assert SECRET not in key.encrypted_pem


def _issuer(token: str) -> str:
    claims: dict[str, str] = jwt.decode(token, options={"verify_signature": False})
    return claims["iss"]


async def _exists(api: Api, path: str) -> bool:
    answers = [await api.get(path), await api.post(path)]
    return all(answer.status_code != httpx.codes.NOT_FOUND for answer in answers)


async def test_address_of_an_openid_provider_says_where_to_look_instead(api: Api) -> None:
    answer = await api.get("/.well-known/openid-configuration")

    told = assert_problem(answer, 404, "no_openid_provider")["detail"]
    assert "/.well-known/oauth-authorization-server" in told
    assert "/.well-known/jwks.json" in told
