"""Sealed secrets: who opens them, and what happens when SECRET_KEY is replaced."""

import pytest

from gatepost.core.crypto.sealing import SealError, SecretBox
from gatepost.core.crypto.secrets import SecretKeys

OLD, NEW = "o" * 40, "n" * 40
OWNER = "account 7 0123456789abcdef"


def box(current: str = OLD, previous: str | None = None, *, purpose: str = "tests") -> SecretBox:
    return SecretBox(SecretKeys(current, previous), purpose)


def test_secret_is_opened_for_its_owner() -> None:
    assert box().open(box().seal(b"secret", owner=OWNER), owner=OWNER) == b"secret"


def test_what_is_sealed_twice_looks_different_and_shows_nothing() -> None:
    first, second = (box().seal(b"secret", owner=OWNER) for _ in range(2))

    assert first != second
    assert "secret" not in first


@pytest.mark.parametrize("owner", ["account 8 0123456789abcdef", "account 7 0123456789abcdee", "account 7 ", ""])
def test_nobody_else_opens_it(owner: str) -> None:
    with pytest.raises(SealError):
        box().open(box().seal(b"secret", owner=OWNER), owner=owner)


@pytest.mark.parametrize("other", [box(NEW), box(purpose="others")])
def test_no_other_key_opens_it(other: SecretBox) -> None:
    with pytest.raises(SealError, match="SECRET_KEY does not open a secret"):
        other.open(box().seal(b"secret", owner=OWNER), owner=OWNER)


def test_every_change_is_found() -> None:
    sealed = box().seal(b"secret", owner=OWNER)

    for place in range(len(sealed)):
        changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(SealError):
            box().open(changed, owner=OWNER)


@pytest.mark.parametrize("text", ["", ".", "x", "x.y", "ä.ö"])
def test_what_was_never_sealed_is_refused(text: str) -> None:
    with pytest.raises(SealError):
        box().open(text, owner=OWNER)


def test_secret_key_is_replaced_in_two_steps() -> None:
    sealed = box(OLD).seal(b"secret", owner=OWNER)
    both = box(NEW, OLD)
    assert both.open(sealed, owner=OWNER) == b"secret"
    assert both.previous is not None
    assert sealed.startswith(f"{both.previous}.")

    renewed = both.renew(sealed, owner=OWNER)

    assert box(NEW).open(renewed, owner=OWNER) == b"secret"
    assert box(NEW).previous is None
