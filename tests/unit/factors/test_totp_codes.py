"""Codes of authenticator apps: the vectors of the RFCs, what people type, and the address that apps read."""

import base64
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from gatepost.identity.credentials.totp.codes import code_at, matching_step, new_secret, step_at
from gatepost.identity.credentials.totp.uri import otpauth_uri, qr_svg, secret_text
from tests.support.missing import program

SECRET = b"12345678901234567890"


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_vectors_of_rfc_4226() -> None:
    expected = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]

    assert [code_at(SECRET, counter) for counter in range(10)] == expected


@pytest.mark.parametrize(
    ("seconds", "eight_digits"),
    [
        (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
        (2000000000, "69279037"), (20000000000, "65353130"),
    ],
)  # fmt: skip
def test_vectors_of_rfc_6238(seconds: int, eight_digits: str) -> None:
    # Theirs have eight digits, of which ours are the last six.
    assert code_at(SECRET, step_at(at(seconds))) == eight_digits[2:]


def test_code_is_good_in_its_step_and_the_ones_beside_it() -> None:
    step = 1_000_000
    code = code_at(SECRET, step)

    found = [matching_step(SECRET, code, now=at((step + away) * 30)) for away in range(-3, 4)]

    assert found == [None, None, step, step, step, None, None]


def test_first_step_of_all_has_none_before_it() -> None:
    assert matching_step(SECRET, code_at(SECRET, 0), now=at(0)) == 0


@pytest.mark.parametrize("typed", ["{a} {b}", " {a}{b} ", "{a}-{b}", "{a}\u00a0{b}"])
def test_code_may_be_typed_as_people_write_it(typed: str) -> None:
    code = code_at(SECRET, 7)

    assert matching_step(SECRET, typed.format(a=code[:3], b=code[3:]), now=at(7 * 30)) == 7


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "-", "{wide}", "{code}0", "+{code}", "{code}\x00"])
def test_anything_else_is_wrong(typed: str) -> None:
    code = code_at(SECRET, 7)
    wide = "".join(chr(ord(digit) - ord("0") + ord("０")) for digit in code)

    assert matching_step(SECRET, typed.format(code=code, wide=wide), now=at(7 * 30)) is None


def test_secret_of_an_import_may_be_of_80_bits() -> None:
    secret = base64.b32decode("JBSWY3DPEHPK3PXP")

    assert matching_step(secret, code_at(secret, 7), now=at(7 * 30)) == 7


def test_new_secrets_have_160_bits_and_are_never_the_same() -> None:
    secrets = {new_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {20}


def test_address_tells_apps_whose_code_it_is_and_how_it_is_made() -> None:
    uri = otpauth_uri(SECRET, issuer="Käse: Ltd & Co", account="abbey salami@example.com")

    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Käse  Ltd & Co:abbey salami@example.com"
    assert parse_qs(parts.query) == {
        "secret": [secret_text(SECRET)], "issuer": ["Käse  Ltd & Co"], "algorithm": ["SHA1"], "digits": ["6"],
        "period": ["30"],
    }  # fmt: skip
    assert "+" not in uri


def test_picture_may_stand_in_a_page_with_a_strict_policy() -> None:
    svg = qr_svg(otpauth_uri(SECRET, issuer="Gatepost", account="Abbey Salami"))

    assert svg.startswith("<svg ")
    assert "style=" not in svg
    assert "<script" not in svg
    assert len(svg) < 6000


def test_picture_is_read_back_by_another_program(tmp_path: Path) -> None:
    uri = otpauth_uri(SECRET, issuer="Käse: Ltd & Co", account="abbey salami@example.com")
    draw, read = program("rsvg-convert", package="librsvg2-bin"), program("zbarimg", package="zbar-tools")
    svg, png = tmp_path / "qr.svg", tmp_path / "qr.png"
    svg.write_text(qr_svg(uri), encoding="utf-8")

    subprocess.run([draw, "--width", "400", "--output", png, svg], check=True)

    found = subprocess.run([read, "--quiet", "--raw", png], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == uri


def test_codes_of_oathtool_are_ours() -> None:
    oathtool = program("oathtool", package="oathtool")
    command = [oathtool, "--totp", "--base32", "--now=2026-01-31 12:00:00 UTC", secret_text(SECRET)]
    given = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert matching_step(SECRET, given, now=datetime(2026, 1, 31, 12, tzinfo=UTC)) is not None
