"""Accounts at other providers in files that others have made."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gatepost.transfer.fields import FactorRefused, Fields
from gatepost.transfer.identities import read_identities

NOW = datetime(2026, 1, 31, tzinfo=UTC)
IDENTITY = {"provider": "acme", "issuer": "https://login.acme.example", "subject": "248289761001"}


def read(*identities: dict[str, Any]) -> list[str]:
    found = read_identities(Fields("identities", {"linked": list(identities)}), NOW)
    return [identity.subject for identity in found.linked]


def test_identities_are_read() -> None:
    assert read(IDENTITY, IDENTITY | {"subject": "2"}) == ["248289761001", "2"]


@pytest.mark.parametrize("name", ["provider", "issuer", "subject"])
@pytest.mark.parametrize("value", [None, "", 5, "a ", " a", "a\n", "a\x00", "x" * 256])
def test_key_that_two_databases_would_compare_differently_is_refused(name: str, value: object) -> None:
    with pytest.raises(FactorRefused, match=name):
        read(IDENTITY | {name: value})


def test_identity_that_is_there_twice_is_refused() -> None:
    with pytest.raises(FactorRefused, match="the same identity twice"):
        read(IDENTITY, IDENTITY | {"email": "another@example.com"})
