"""Names of well-known authenticators, for display only."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from uuid import UUID

NAMES = Path(__file__).with_name("aaguids.json")
DEFAULT_NAME = "Passkey"


def authenticator_name(aaguid: bytes) -> str | None:
    """Return the name of the authenticator that a passkey claims to be in, or None."""
    return _names().get(str(UUID(bytes=aaguid)))


def usual_name(aaguid: bytes) -> str:
    """Return what a passkey is called that its owner has given no name: as its authenticator, if that is known."""
    return authenticator_name(aaguid) or DEFAULT_NAME


@cache
def _names() -> Mapping[str, str]:
    names: dict[str, str] = json.loads(NAMES.read_text(encoding="utf-8"))
    return names
