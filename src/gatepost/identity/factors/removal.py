"""Removing every second factor of an account at once."""

from collections.abc import Sequence
from typing import Protocol

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.methods import Method


class RemovableMethod(Protocol):
    """A method that keeps something for an account, and can forget it without reading it."""

    name: Method

    async def remove(self, tx: Transaction, user: User) -> bool:
        """Forget what an account has of it; return whether that could be used."""


class FactorRemoval:
    """Removes what accounts have set up. One more factor is one more method in `methods`."""

    def __init__(self, methods: Sequence[RemovableMethod]) -> None:
        self._methods = methods

    async def remove_all(self, tx: Transaction, user: User) -> list[Method]:
        """Remove everything, in the transaction of a caller who holds the account; return what could be used."""
        return [method.name for method in self._methods if await method.remove(tx, user)]
