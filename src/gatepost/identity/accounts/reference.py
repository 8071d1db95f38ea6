"""References to accounts in tokens."""

from typing import NamedTuple


class AccountRef(NamedTuple):
    """A reference to an account. `random_id` distinguishes it from one that had the same id before a restore."""

    id: int
    random_id: str | None
