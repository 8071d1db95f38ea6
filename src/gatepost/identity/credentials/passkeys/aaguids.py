"""Names of well-known authenticators, for people to tell their passkeys apart. Nothing is decided by them."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from uuid import UUID

NAMES = Path(__file__).with_name("aaguids.json")


def authenticator_name(aaguid: bytes) -> str | None:
    """Return what people call the authenticator that a passkey says to be in, or None; the 16 bytes may be a lie."""
    return _names().get(str(UUID(bytes=aaguid)))


@cache
def _names() -> Mapping[str, str]:
    names: dict[str, str] = json.loads(NAMES.read_text(encoding="utf-8"))
    return names
