"""A use of a passkey: accepted when everything is right, refused when anything is not."""

import dataclasses
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from gatepost.core.crypto.base64url import encode
from gatepost.identity.credentials.passkeys.authentication import Assertion, verify_authentication
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused, Refusal
from gatepost.identity.credentials.passkeys.responses import credential_id_of
from gatepost.identity.credentials.passkeys.strict_cbor import dumps
from tests.unit.passkeys.authenticator import (
    AAGUID,
    ABSENT,
    AT,
    BE,
    BS,
    ED,
    EXPECTED,
    HANDLE,
    ORIGIN,
    UP,
    UV,
    Authenticator,
    PrivateKey,
    cose_of,
    sign,
    stored,
    with_every_algorithm,
)
from tests.unit.passkeys.verdicts import Case, authenticated, misjudged, verdict

DEVICE = Authenticator()
STRANGER = ec.derive_private_key(8, ec.SECP256R1())
LONG = "A" * 100_000


def refusals(cases: list[Case], **kept: object) -> list[str]:
    """Return each lie of an authentication that is misjudged."""
    passkey = stored(DEVICE, **kept)
    return misjudged(
        cases, lambda lie: verify_authentication(DEVICE.get(**lie), EXPECTED, passkey, is_discoverable=True)
    )


@with_every_algorithm
def test_good_use_is_accepted(key: PrivateKey) -> None:
    device = Authenticator(key)
    answer = device.get(flags=UP | UV | BE | BS, sign_count=8)

    assert credential_id_of(answer) == device.credential_id
    assert authenticated(answer, stored(device, sign_count=7, backup_eligible=True)) == Assertion(
        sign_count=8, user_verified=True, backup_state=True
    )


def test_what_may_differ_is_accepted() -> None:
    passkey = stored(DEVICE)
    authenticated(DEVICE.get(client={"crossOrigin": ABSENT, "extraData": [1]}), passkey)
    authenticated(DEVICE.get(flags=UP | UV | ED, extensions=dumps({"uvm": [[2, 4, 2]]})), passkey)
    authenticated(DEVICE.get(sign_count=1), passkey)
    authenticated(DEVICE.get(flags=UP), passkey, dataclasses.replace(EXPECTED, user_verification=False))
    # Who is asked for a passkey of theirs has been named already.
    for handle in (ABSENT, None):
        authenticated(DEVICE.get(response={"userHandle": handle}), passkey, is_discoverable=False)


def test_client_data_that_says_something_else_is_refused() -> None:
    cases: list[Case] = [
        ({"client": {"type": "webauthn.create"}}, Refusal.TYPE),
        ({"client": {"type": "payment.get"}}, Refusal.TYPE),
        ({"client": {"challenge": encode(b"\x01" * 32)}}, Refusal.CHALLENGE),
        ({"client": {"origin": "https://example.com"}}, Refusal.ORIGIN),
        ({"client": {"origin": f"{ORIGIN}:444"}}, Refusal.ORIGIN),
        ({"client": {"crossOrigin": True}}, Refusal.CROSS_ORIGIN),
        ({"client": {"topOrigin": ORIGIN}}, Refusal.TOP_ORIGIN),
        ({"client_data": b"{}"}, Refusal.CLIENT_DATA),
        ({"client_data": b"\xff"}, Refusal.CLIENT_DATA),
    ]

    assert refusals(cases) == []


def test_authenticator_data_that_says_something_else_is_refused() -> None:
    attested = AAGUID + b"\0\x20" + b"\x09" * 32 + cose_of(DEVICE.key)
    cases: list[Case] = [
        ({"rp_id": "evil.example"}, Refusal.RP_ID),
        ({"rp_id": "auth.example.com"}, Refusal.RP_ID),
        ({"flags": UV}, Refusal.USER_PRESENCE),
        ({"flags": 0}, Refusal.USER_PRESENCE),
        ({"flags": UP}, Refusal.USER_VERIFICATION),
        ({"flags": UP | UV | BS}, Refusal.BACKUP_STATE),
        ({"flags": UP | UV | BE}, Refusal.BACKUP_STATE),
        ({"flags": UP | UV | AT, "attested": attested}, Refusal.AUTHENTICATOR_DATA),
        ({"attested": attested}, Refusal.AUTHENTICATOR_DATA),
        ({"behind": b"\0"}, Refusal.AUTHENTICATOR_DATA),
        ({"extensions": dumps({})}, Refusal.AUTHENTICATOR_DATA),
        ({"flags": UP | UV | ED}, Refusal.EXTENSIONS),
        ({"flags": UP | UV | ED, "extensions": b"\xf6"}, Refusal.EXTENSIONS),
        ({"flags": UP | UV | ED, "extensions": dumps({}), "behind": b"\xa0"}, Refusal.AUTHENTICATOR_DATA),
        ({"data": bytes(36)}, Refusal.AUTHENTICATOR_DATA),
        ({"data": bytes(8000)}, Refusal.AUTHENTICATOR_DATA),
    ]

    assert refusals(cases) == []


def test_passkey_stays_as_eligible_for_backup_as_it_was() -> None:
    cases: list[Case] = [({}, Refusal.BACKUP_STATE), ({"flags": UP | UV | BS}, Refusal.BACKUP_STATE)]

    assert refusals(cases, backup_eligible=True) == []


def test_signature_of_anything_else_is_refused() -> None:
    good = DEVICE.get()
    cases: list[Case] = [
        ({"key": STRANGER}, Refusal.SIGNATURE),
        ({"key": ed25519.Ed25519PrivateKey.generate()}, Refusal.SIGNATURE),
        ({"signed": b""}, Refusal.SIGNATURE),
        ({"signature": b"\0"}, Refusal.SIGNATURE),
        ({"signature": bytes(64)}, Refusal.SIGNATURE),
        ({"signature": bytes.fromhex("3006020100020100")}, Refusal.SIGNATURE),
        ({"signature": bytes(600)}, Refusal.SIGNATURE),
        ({"signature": sign(DEVICE.key, b"") + b"\0"}, Refusal.SIGNATURE),
        ({"response": {"signature": LONG}}, Refusal.SIGNATURE),
        ({"response": {"signature": ""}}, Refusal.SIGNATURE),
        # All that is signed counts: more of the client data, another count, another flag.
        ({"client": {"extraData": 1}, "response": {"signature": good["response"]["signature"]}}, Refusal.SIGNATURE),
        ({"sign_count": 1, "response": {"signature": good["response"]["signature"]}}, Refusal.SIGNATURE),
        ({"flags": UP | UV | 0x20, "response": {"signature": good["response"]["signature"]}}, Refusal.SIGNATURE),
    ]

    assert refusals(cases) == []


def test_stored_key_of_somebody_else_or_none_verifies_nothing() -> None:
    answer = DEVICE.get()
    keys = {cose_of(STRANGER): Refusal.SIGNATURE, b"": Refusal.PUBLIC_KEY, dumps({}): Refusal.PUBLIC_KEY}

    for key, reason in keys.items():
        passkey = stored(DEVICE, public_key=key)
        assert verdict(verify_authentication, answer, EXPECTED, passkey, is_discoverable=True) is reason


def test_user_handle_of_another_account_or_none_is_refused() -> None:
    handles: list[Any] = [ABSENT, None, "", encode(b"\x06" * 32), encode(HANDLE[:-1]), encode(HANDLE + b"\0"), LONG]
    cases: list[Case] = [({"response": {"userHandle": handle}}, Refusal.USER_HANDLE) for handle in handles]
    wrong: list[Any] = [1, [], "=", "\ud800"]
    cases += [({"response": {"userHandle": handle}}, Refusal.MALFORMED) for handle in wrong]

    assert refusals(cases) == []
    other = DEVICE.get(response={"userHandle": encode(b"\x06" * 32)})
    assert verdict(verify_authentication, other, EXPECTED, stored(DEVICE), is_discoverable=False) is Refusal.USER_HANDLE


def test_another_passkey_than_the_stored_one_is_refused() -> None:
    cases: list[Case] = [
        ({"id": b"\x08" * 32}, Refusal.CREDENTIAL_ID),
        ({"id": b"\x09" * 31}, Refusal.CREDENTIAL_ID),
        ({"answer": {"id": "", "rawId": ""}}, Refusal.CREDENTIAL_ID),
        ({"answer": {"id": LONG, "rawId": LONG}}, Refusal.CREDENTIAL_ID),
        ({"answer": {"id": encode(b"\x08" * 32)}}, Refusal.MALFORMED),
        ({"answer": {"rawId": encode(b"\x08" * 32)}}, Refusal.MALFORMED),
    ]

    assert refusals(cases) == []


def test_count_that_does_not_grow_is_a_refusal_of_its_own() -> None:
    for before, now in ((5, 5), (5, 4), (5, 0), (1, 0), (2**32 - 1, 0), (2**32 - 1, 2**32 - 1)):
        assert refusals([({"sign_count": now}, Refusal.SIGN_COUNT)], sign_count=before) == [], (before, now)
    for before, now in ((0, 0), (0, 1), (5, 6), (0, 2**32 - 1)):
        authenticated(DEVICE.get(sign_count=now), stored(DEVICE, sign_count=before))


def test_stranger_cannot_make_us_warn_of_a_copy() -> None:
    assert refusals([({"sign_count": 1, "key": STRANGER}, Refusal.SIGNATURE)], sign_count=5) == []


def test_json_of_another_form_is_refused() -> None:
    wrong: tuple[Any, ...] = (None, True, 1, [], {}, "\ud800", "=", "AB", "A A")
    names = ("clientDataJSON", "authenticatorData", "signature")
    cases: list[Case] = [
        ({"response": {name: value}}, Refusal.MALFORMED) for name in names for value in (ABSENT, *wrong)
    ]
    cases += [({"answer": {"response": value}}, Refusal.MALFORMED) for value in (ABSENT, None, 1, [], "x")]
    cases += [({"answer": {"type": value}}, Refusal.MALFORMED) for value in (ABSENT, None, 1, "password")]

    assert refusals(cases) == []
    for answer in (*wrong, b""):
        reason = verdict(verify_authentication, answer, EXPECTED, stored(DEVICE), is_discoverable=True)
        assert reason is Refusal.MALFORMED


def test_what_nobody_foresaw_is_a_refusal_too() -> None:
    passkey = stored(DEVICE, sign_count=None)

    with pytest.raises(PasskeyRefused) as refused:
        verify_authentication(DEVICE.get(), EXPECTED, passkey, is_discoverable=True)

    assert refused.value.reason is Refusal.MALFORMED
    assert isinstance(refused.value.__cause__, TypeError)
