"""A new passkey: taken when everything is as it was asked for, refused for each thing that is not."""

import dataclasses
import json
from typing import Any

import pytest

from gatepost.core.crypto.base64url import encode
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused, Refusal
from gatepost.identity.credentials.passkeys.registration import NewPasskey, verify_registration
from gatepost.identity.credentials.passkeys.strict_cbor import dumps
from tests.unit.passkeys.authenticator import (
    AAGUID,
    ABSENT,
    AT,
    BE,
    BS,
    ED,
    EXPECTED,
    ORIGIN,
    UP,
    UV,
    Authenticator,
    PrivateKey,
    cose_of,
    with_every_algorithm,
)
from tests.unit.passkeys.verdicts import Case, misjudged, registered, verdict

DEVICE = Authenticator()
OTHER = "other"
# Long enough to be refused by length, whatever is in it.
LONG = "A" * 100_000


def refusals(cases: list[Case]) -> list[str]:
    """Return each lie of a registration that is misjudged."""
    return misjudged(cases, lambda lie: verify_registration(DEVICE.create(**lie), EXPECTED))


@with_every_algorithm
def test_good_passkey_is_taken_whole(key: PrivateKey) -> None:
    answer = Authenticator(key).create(
        flags=UP | UV | AT | BE | BS, sign_count=7, response={"transports": ["internal", "hybrid", "internal", "new-1"]}
    )

    assert registered(answer) == NewPasskey(
        credential_id=DEVICE.credential_id,
        public_key=cose_of(key),
        sign_count=7,
        aaguid=AAGUID,
        transports=("hybrid", "internal", "new-1"),
        user_verified=True,
        backup_eligible=True,
        backup_state=True,
    )


def test_what_may_differ_is_taken() -> None:
    extensions = dumps({"credProtect": 2, "hmac-secret": True})
    registered(DEVICE.create(client={"crossOrigin": ABSENT, "extraData": "later"}))
    registered(DEVICE.create(flags=UP | UV | AT | ED, extensions=extensions))
    # The two flags without a meaning, and an attestation that nobody asked for.
    verify_registration(DEVICE.create(flags=UP | UV | AT | 0x22), EXPECTED)
    verify_registration(DEVICE.create(statement={"fmt": "packed", "attStmt": {"alg": -7, "sig": b"x"}}), EXPECTED)
    registered(DEVICE.create(flags=UP | UV | AT | ED, extensions=dumps({"a": b"\0" * 1018})))
    registered(DEVICE.create(response={"transports": ["usb"] * 8}))
    for length in (1, 1023):
        registered(Authenticator(credential_id=b"\7" * length).create())
    registered(DEVICE.create(flags=UP | AT), dataclasses.replace(EXPECTED, user_verification=False))


def test_client_data_that_says_something_else_is_refused() -> None:
    cases: list[Case] = [
        ({"client": {"type": "webauthn.get"}}, Refusal.TYPE),
        ({"client": {"type": "payment.create"}}, Refusal.TYPE),
        ({"client": {"type": "WebAuthn.create"}}, Refusal.TYPE),
        ({"client": {"challenge": encode(bytes(32))}}, Refusal.CHALLENGE),
        ({"client": {"challenge": encode(EXPECTED.challenge[:-1])}}, Refusal.CHALLENGE),
        ({"client": {"challenge": encode(EXPECTED.challenge) + "="}}, Refusal.CHALLENGE),
        ({"client": {"challenge": "ﬀ"}}, Refusal.CHALLENGE),
        ({"client": {"challenge": ""}}, Refusal.CHALLENGE),
        ({"client": {"origin": "https://example.com"}}, Refusal.ORIGIN),
        ({"client": {"origin": "https://evil.auth.example.com"}}, Refusal.ORIGIN),
        ({"client": {"origin": f"{ORIGIN}:8443"}}, Refusal.ORIGIN),
        ({"client": {"origin": f"{ORIGIN}/"}}, Refusal.ORIGIN),
        ({"client": {"origin": ORIGIN.replace("https", "http")}}, Refusal.ORIGIN),
        ({"client": {"origin": ORIGIN.upper()}}, Refusal.ORIGIN),
        ({"client": {"origin": ""}}, Refusal.ORIGIN),
        ({"client": {"crossOrigin": True}}, Refusal.CROSS_ORIGIN),
        ({"client": {"crossOrigin": None}}, Refusal.CROSS_ORIGIN),
        ({"client": {"crossOrigin": 0}}, Refusal.CROSS_ORIGIN),
        ({"client": {"crossOrigin": "false"}}, Refusal.CROSS_ORIGIN),
        ({"client": {"topOrigin": "https://evil.example"}}, Refusal.TOP_ORIGIN),
        ({"client": {"topOrigin": ORIGIN}}, Refusal.TOP_ORIGIN),
        ({"client": {"topOrigin": None}}, Refusal.TOP_ORIGIN),
    ]

    assert refusals(cases) == []


def test_client_data_that_is_not_strict_json_is_refused() -> None:
    good = json.dumps(
        {"type": "webauthn.create", "challenge": encode(EXPECTED.challenge), "origin": ORIGIN, "crossOrigin": False}
    ).encode()
    texts = [
        b"{}",
        b"[]",
        b"null",
        b"1",
        b"{",
        b"\xef\xbb\xbf" + good,
        good + b"x",
        good + b"\0",
        good.replace(b'"origin"', b'"origin": "https://evil.example", "origin"'),
        good.replace(b"false", b'false, "crossOrigin": true'),
        good.replace(b"false", b'false, "a": NaN'),
        good.replace(b"false", b'false, "a": "\\ud800"'),
        good.replace(b"false", b'false, "a": ' + b"[" * 9 + b"]" * 9),
        good.replace(b"false", b'false, "a": ' + b"[" * 1000 + b"]" * 1000),
        good.decode().encode("utf-16"),
        good.replace(ORIGIN.encode(), b"\xff"),
        good + b" " * 5000,
    ]
    members: list[dict[str, Any]] = [
        {"client": {name: value}} for name in ("type", "challenge", "origin") for value in (ABSENT, None, 1, [], {})
    ]
    cases = [*[{"client_data": text} for text in texts], *members]

    assert refusals([(case, Refusal.CLIENT_DATA) for case in cases]) == []


def test_authenticator_data_that_says_something_else_is_refused() -> None:
    good = UP | UV | AT
    cases: list[Case] = [
        ({"rp_id": "evil.example"}, Refusal.RP_ID),
        ({"rp_id": "auth.example.com"}, Refusal.RP_ID),
        ({"rp_id": ""}, Refusal.RP_ID),
        ({"flags": UV | AT}, Refusal.USER_PRESENCE),
        ({"flags": UP | AT}, Refusal.USER_VERIFICATION),
        ({"flags": AT}, Refusal.USER_PRESENCE),
        ({"flags": good | BS}, Refusal.BACKUP_STATE),
        ({"flags": UP | UV}, Refusal.AUTHENTICATOR_DATA),
        ({"flags": UP | UV, "attested": b""}, Refusal.AUTHENTICATOR_DATA),
        ({"flags": good, "extensions": dumps({"credProtect": 2})}, Refusal.AUTHENTICATOR_DATA),
        ({"behind": b"\0"}, Refusal.AUTHENTICATOR_DATA),
        ({"behind": bytes(5000)}, Refusal.AUTHENTICATOR_DATA),
        ({"data": b""}, Refusal.AUTHENTICATOR_DATA),
        ({"data": bytes(36)}, Refusal.AUTHENTICATOR_DATA),
        ({"attested": b""}, Refusal.CREDENTIAL_ID),
        ({"attested": AAGUID + b"\0\x20" + b"\x09" * 31}, Refusal.AUTHENTICATOR_DATA),
        ({"attested": AAGUID + b"\0\x20" + b"\x09" * 32}, Refusal.AUTHENTICATOR_DATA),
    ]

    assert refusals(cases) == []


def test_extensions_that_are_malformed_or_large_are_refused() -> None:
    many = {f"extension-{number}": True for number in range(80)}
    flagged = [
        b"",
        dumps([]),
        dumps("text"),
        dumps({1: 2}),
        dumps({"a": b"\0" * 1019}),
        dumps(many),
        dumps({"a": [[[[1]]]]}),
        bytes.fromhex("a2616101616102"),
        bytes.fromhex("a16161"),
        bytes.fromhex("bf616101ff"),
        bytes.fromhex("a16161f6"),
    ]
    cases: list[Case] = [({"flags": UP | UV | AT | ED, "extensions": text}, Refusal.EXTENSIONS) for text in flagged]
    cases.append(({"flags": UP | UV | AT | ED, "extensions": dumps({}), "behind": b"\0"}, Refusal.AUTHENTICATOR_DATA))

    assert refusals(cases) == []


def test_public_keys_that_are_none_are_refused() -> None:
    texts = [b"\xf6", b"\xff", b"\xbf\x01\x02\xff", b"\0", b"\x40", dumps({}), cose_of(DEVICE.key)[:-1]]
    cases: list[Case] = [({"cose": text}, Refusal.PUBLIC_KEY) for text in texts]
    other = cose_of(DEVICE.key).replace(b"\x03\x26", b"\x03\x28")
    cases.append(({"cose": other}, Refusal.ALGORITHM))

    assert refusals(cases) == []


def test_credential_ids_of_another_length_or_name_are_refused() -> None:
    cases: list[Case] = [
        ({"attested_id": b"\x08" * 32}, Refusal.CREDENTIAL_ID),
        ({"id": b"\x08" * 32}, Refusal.CREDENTIAL_ID),
        ({"attested_id": b""}, Refusal.CREDENTIAL_ID),
        ({"attested_id": b"\x09" * 1024, "id": b"\x09" * 1023}, Refusal.CREDENTIAL_ID),
        ({"attested_id": b"\x09" * 1024, "id": b"\x09" * 1024}, Refusal.CREDENTIAL_ID),
        ({"id_length": 65535}, Refusal.CREDENTIAL_ID),
        ({"id_length": 1023}, Refusal.AUTHENTICATOR_DATA),
        ({"id_length": 31}, Refusal.AUTHENTICATOR_DATA),
        ({"answer": {"id": "", "rawId": ""}}, Refusal.CREDENTIAL_ID),
        ({"answer": {"id": LONG, "rawId": LONG}}, Refusal.CREDENTIAL_ID),
    ]

    assert refusals(cases) == []


def test_attestation_objects_that_are_malformed_are_refused() -> None:
    deep = b"\x81" * 3000 + b"\0"
    statements: list[dict[str, Any]] = [
        {"fmt": ABSENT},
        {"fmt": 1},
        {"fmt": b"none"},
        {"attStmt": ABSENT},
        {"attStmt": []},
        {"attStmt": {"sig": b"x"}},
        {"authData": ABSENT},
        {"authData": "text"},
        {"authData": []},
        {"later": 1},
        {"fmt": "packed", "attStmt": {"x5c": [b"x"] * 300}},
        {"fmt": "packed", "attStmt": {"x5c": [[[[b"x"]]]]}},
    ]
    cases: list[Case] = [({"statement": statement}, Refusal.ATTESTATION_OBJECT) for statement in statements]
    cases += [
        ({"attestation": attestation}, Refusal.ATTESTATION_OBJECT)
        for attestation in (
            b"\xa0",
            b"\x80",
            b"\0",
            b"\xf6",
            b"\xff",
            b"\xa3",
            deep,
            b"\x99\xff\xff",
            b"\x9b" + b"\xff" * 8,
        )
    ]
    cases.append(({"statement": {"fmt": "packed", "attStmt": {"x": b"x" * 17_000}}}, Refusal.ATTESTATION_OBJECT))

    assert refusals(cases) == []


def test_json_of_another_form_is_refused() -> None:
    wrong: tuple[Any, ...] = (None, True, 1, 1.5, [], {}, [""], "\ud800", "=", "AA=", "A A", "AB", "ä")
    transports: list[Any] = [None, "usb", {}, [1], [None], ["a" * 33], ["USB"], [""], ["usb"] * 9, ["ü"], ["a\n"]]
    cases: list[Case] = [
        ({"response": {name: value}}, Refusal.MALFORMED)
        for name in ("clientDataJSON", "attestationObject")
        for value in (ABSENT, *wrong)
    ]
    cases += [({"answer": {name: value}}, Refusal.MALFORMED) for name in ("id", "rawId") for value in (ABSENT, *wrong)]
    cases += [({"answer": {"type": value}}, Refusal.MALFORMED) for value in (ABSENT, *wrong, "password", "")]
    cases += [
        ({"answer": {"response": value}}, Refusal.MALFORMED) for value in (ABSENT, *wrong[:-1], "x") if value != {}
    ]
    cases += [({"response": {"transports": value}}, Refusal.MALFORMED) for value in transports]
    cases += [
        ({"response": {"clientDataJSON": LONG}}, Refusal.CLIENT_DATA),
        ({"response": {"clientDataJSON": ""}}, Refusal.CLIENT_DATA),
        ({"response": {"attestationObject": LONG}}, Refusal.ATTESTATION_OBJECT),
        ({"response": {"attestationObject": ""}}, Refusal.ATTESTATION_OBJECT),
    ]

    assert refusals(cases) == []
    assert {verdict(verify_registration, odd, EXPECTED) for odd in (*wrong, b"")} == {Refusal.MALFORMED}


def test_answer_to_another_challenge_party_or_origin_is_refused() -> None:
    answer = DEVICE.create()
    party = EXPECTED.relying_party
    expected = {
        Refusal.CHALLENGE: dataclasses.replace(EXPECTED, challenge=b"\x01" * 32),
        Refusal.ORIGIN: dataclasses.replace(EXPECTED, relying_party=dataclasses.replace(party, origins=frozenset())),
        Refusal.RP_ID: dataclasses.replace(EXPECTED, relying_party=dataclasses.replace(party, id="auth.example.com")),
    }

    assert [verdict(verify_registration, answer, wanted) for wanted in expected.values()] == list(expected)


def test_challenge_that_can_be_guessed_is_not_asked_with() -> None:
    with pytest.raises(ValueError, match="guessed"):
        dataclasses.replace(EXPECTED, challenge=b"\0" * 15)
    dataclasses.replace(EXPECTED, challenge=b"\0" * 16)


def test_what_nobody_foresaw_is_a_refusal_too() -> None:
    expected = dataclasses.replace(EXPECTED, relying_party=None)  # type: ignore[arg-type]

    with pytest.raises(PasskeyRefused) as refused:
        verify_registration(DEVICE.create(), expected)

    assert refused.value.reason is Refusal.MALFORMED
    assert isinstance(refused.value.__cause__, AttributeError)
