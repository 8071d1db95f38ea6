"""Thousands of damaged responses: each is refused by our own checks, or right in everything that matters."""

import copy
import random
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gatepost.core.crypto.base64url import decode, encode
from gatepost.identity.credentials.passkeys.strict_cbor import dumps
from tests.unit.passkeys.authenticator import AT, ED, UP, UV, Authenticator, PrivateKey, stored
from tests.unit.passkeys.verdicts import authenticated, registered, verdict

SEED = 20260
ROUNDS = 2000
ODD: list[Any] = [None, True, -1, 1e9, "", "=", "A", "\ud800", [], {}, [[]], {"a": {}}, "A" * 9000, b""]
BYTES = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]
# What a signature covers; without it, two answers are the same.
SIGNED = ["clientDataJSON", "authenticatorData", "signature"]


def test_mutated_answer_raises_nothing_but_a_refusal() -> None:
    dice = random.Random(SEED)
    extensions = {"flags": UP | UV | AT | ED, "extensions": dumps({"credProtect": 2, "a": [b"b", {"c": -300}]})}
    keys: list[PrivateKey] = [
        ec.derive_private_key(7, ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ]
    devices = [Authenticator(key) for key in keys]
    made = [device.create(**extensions) for device in devices]
    used = [device.get() for device in devices]
    passkeys = [stored(device) for device in devices]
    reasons = set()

    for _ in range(ROUNDS):
        which = dice.randrange(len(keys))
        reasons.add(verdict(registered, _mutated(dice, made[which])))

        answer = _mutated(dice, used[which])
        reason = verdict(authenticated, answer, passkeys[which])
        reasons.add(reason)
        if reason is None:
            assert [answer["response"][name] for name in SIGNED] == [used[which]["response"][name] for name in SIGNED]

    assert len(reasons) > 15


def _mutated(dice: random.Random, answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with one to three things wrong in it."""
    changed = copy.deepcopy(answer)
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        dice.choice([_in_bytes, _in_bytes, _in_bytes, _in_json])(dice, changed)
    return changed


def _in_bytes(dice: random.Random, answer: dict[str, Any]) -> None:
    response = answer.get("response")
    if not isinstance(response, dict):
        return
    name = dice.choice(BYTES)
    text = response.get(name)
    if (
        isinstance(text, str)
        and text.isascii()
        and len(text) % 4 != 1
        and text.replace("-", "").replace("_", "").isalnum()
    ):
        response[name] = encode(dice.choice(CHANGES)(dice, bytearray(decode(text)))) if _is_canonical(text) else text


def _in_json(dice: random.Random, answer: dict[str, Any]) -> None:
    response = answer.get("response")
    place = response if isinstance(response, dict) and dice.random() < 0.6 else answer
    name = dice.choice([*place, "transports", "later"])
    if dice.random() < 0.2:
        place.pop(name, None)
    else:
        place[name] = dice.choice(ODD)


def _is_canonical(text: str) -> bool:
    try:
        return bool(decode(text))
    except ValueError:
        return False


def _flip(dice: random.Random, data: bytearray) -> bytes:
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def _replace(dice: random.Random, data: bytearray) -> bytes:
    data[dice.randrange(len(data))] = dice.choice(
        [0, 0x1B, 0x5B, 0x9B, 0xBB, 0x9F, 0xBF, 0xF6, 0xF9, 0xFF, dice.randrange(256)]
    )
    return bytes(data)


def _cut(dice: random.Random, data: bytearray) -> bytes:
    start = dice.randrange(len(data))
    return bytes(data[:start] + data[start + dice.choice([1, 2, 8, 10_000]) :])


def _add(dice: random.Random, data: bytearray) -> bytes:
    start = dice.randrange(len(data) + 1)
    return bytes(data[:start] + dice.randbytes(dice.choice([1, 1, 2, 40])) + data[start:])


def _swap(dice: random.Random, data: bytearray) -> bytes:
    first, second = sorted(dice.sample(range(len(data)), 2)) if len(data) > 1 else (0, 0)
    return bytes(data[second:] + data[first:second] + data[:first])


CHANGES: list[Callable[[random.Random, bytearray], bytes]] = [_flip, _flip, _replace, _replace, _cut, _add, _swap]
