"""Accounts as tokens name them."""

from typing import NamedTuple


class AccountRef(NamedTuple):
    """An account as tokens name it: `random_id` tells it from one that had its number before a restore."""

    id: int
    random_id: str | None
