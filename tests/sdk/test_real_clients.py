"""Tokens of a real server, verified by what other people use: PyJWT, and jose for Node."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from tests.sdk.conftest import Issuer, issuer_of, until

SCRIPT = """
import { createRemoteJWKSet, jwtVerify } from 'jose';
const [issuer, algorithm, ...tokens] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
for (const token of tokens) {
  const options = { issuer, audience: 'gatepost', typ: 'at+jwt', algorithms: [algorithm] };
  const { payload, protectedHeader } = await jwtVerify(token, keys, options);
  console.log(payload.sub, payload.username, protectedHeader.kid);
}
"""


@pytest.fixture(scope="module", params=["ES256", "RS256"])
def algorithm(request: pytest.FixtureRequest) -> str:
    """Return each of the algorithms with a public key, in turn."""
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def issuer(algorithm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """Give a service that signs with this algorithm."""
    with issuer_of(tmp_path_factory.mktemp("issuer"), JWT_ALGORITHM=algorithm) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def tokens(issuer: Issuer) -> tuple[str, str]:
    """Return an access token of the first key and one of the key after a rotation."""
    before = issuer.sign_up("Before")
    issuer.server.command("keys", "rotate", "--force")
    after = before

    def is_signed_by_another_key() -> bool:
        nonlocal after
        after = issuer.sign_in("Before")
        return _kid(after) != _kid(before)

    # A worker reads of it within five seconds.
    until(is_signed_by_another_key, seconds=10)
    return before, after


def test_pyjwt_verifies_tokens_of_the_old_and_the_new_key(
    issuer: Issuer, algorithm: str, tokens: tuple[str, str]
) -> None:
    keys = jwt.PyJWKClient(f"{issuer.url}/.well-known/jwks.json")

    for token in tokens:
        key = keys.get_signing_key_from_jwt(token)
        claims = jwt.decode(token, key, algorithms=[algorithm], issuer=issuer.url, audience="gatepost")
        assert claims["username"] == "Before"
    forged = tokens[0].rpartition(".")[0] + "." + tokens[1].rpartition(".")[2]
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(forged, keys.get_signing_key_from_jwt(forged), algorithms=[algorithm], audience="gatepost")


@pytest.mark.node
def test_jose_verifies_tokens_of_the_old_and_the_new_key(
    issuer: Issuer, algorithm: str, tokens: tuple[str, str], node_folder: Path
) -> None:
    (node_folder / "verify.mjs").write_text(SCRIPT)

    result = subprocess.run(
        ["node", "verify.mjs", issuer.url, algorithm, *tokens],
        cwd=node_folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    kids = [line.split()[-1] for line in result.stdout.splitlines()]
    assert kids == [_kid(token) for token in tokens]


def _kid(token: str) -> str:
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid
