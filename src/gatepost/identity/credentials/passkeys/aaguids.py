"""Names of well-known authenticators, for display only."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from uuid import UUID

NAMES = Path(__file__).with_name("aaguids.json")


def authenticator_name(aaguid: bytes) -> str | None:
    """Return the name of the authenticator that a passkey claims to be in, or None."""
    return _names().get(str(UUID(bytes=aaguid)))


@cache
def _names() -> Mapping[str, str]:
    names: dict[str, str] = json.loads(NAMES.read_text(encoding="utf-8"))
    return names
