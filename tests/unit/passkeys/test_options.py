"""What browsers are asked for: py_webauthn reads it as it was meant."""

import dataclasses
import json

import pytest
from webauthn.helpers import parse_authentication_options_json, parse_registration_options_json

from gatepost.identity.credentials.passkeys.options import (
    CredentialDescriptor,
    PasskeyUser,
    creation_options,
    request_options,
)
from tests.unit.passkeys.authenticator import EXPECTED, HANDLE

USER = PasskeyUser(HANDLE, "zoe", "Zoë Ångström")
OLD = CredentialDescriptor(b"\x01\x02", ("usb", "nfc"))


def test_creation_options_are_all_that_is_asked_for() -> None:
    options = creation_options(EXPECTED, USER, rp_name="Acme", exclude=[OLD])

    assert json.loads(json.dumps(options)) == {
        "rp": {"id": "example.com", "name": "Acme"},
        "user": {"id": "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU", "name": "zoe", "displayName": "Zoë Ångström"},
        "challenge": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "pubKeyCredParams": [
            {"type": "public-key", "alg": -8},
            {"type": "public-key", "alg": -7},
            {"type": "public-key", "alg": -257},
        ],
        "timeout": 300_000,
        "excludeCredentials": [{"type": "public-key", "id": "AQI", "transports": ["usb", "nfc"]}],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }
    read = parse_registration_options_json(json.dumps(options))
    assert (read.challenge, read.user.id) == (EXPECTED.challenge, HANDLE)


def test_request_options_name_nobody_unless_told() -> None:
    options = request_options(EXPECTED)

    assert json.loads(json.dumps(options)) == {
        "challenge": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "timeout": 300_000,
        "rpId": "example.com",
        "allowCredentials": [],
        "userVerification": "required",
    }
    assert parse_authentication_options_json(json.dumps(options)).rp_id == "example.com"


def test_request_options_can_name_passkeys_and_leave_out_verification() -> None:
    asked = dataclasses.replace(EXPECTED, user_verification=False)

    options = request_options(asked, allow=[OLD])

    assert options["allowCredentials"] == [{"type": "public-key", "id": "AQI", "transports": ["usb", "nfc"]}]
    assert options["userVerification"] == "discouraged"


@pytest.mark.parametrize("length", [0, 65])
def test_user_handle_has_one_to_sixty_four_bytes(length: int) -> None:
    assert [len(PasskeyUser(bytes(fits), "zoe", "Zoë").handle) for fits in (1, 64)] == [1, 64]
    with pytest.raises(ValueError, match="length"):
        PasskeyUser(bytes(length), "zoe", "Zoë")


def test_handle_and_challenge_are_in_no_text_of_ours() -> None:
    assert "x05" not in repr(USER)
    assert "challenge" not in repr(EXPECTED)
