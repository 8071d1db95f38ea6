"""Fair queueing: somebody who queues a lot of work delays their own work, not everybody else's."""

from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose work it is. Addresses take turns, and within an address its accounts do.

    Both are arbitrary text. All work with empty ones counts as one asker's.
    """

    address: str = ""
    account: str = ""


NOBODY = Asker()
# A prefix of an account in the place of an address; no address starts with it.
SHARED = "account "


class Turns(Generic[T]):
    """The waiting items, in the order in which they are taken: addresses in turn, and their accounts in turn.

    An account that waits from several addresses gets only two turns: one for the first address, and one that its other
    addresses share in turn. `place_of` returns which of the two applies; the other methods expect that place.
    """

    def __init__(self) -> None:
        # The addresses from which each account waits, and how many items of each.
        self._places: defaultdict[str, Counter[str]] = defaultdict(Counter)
        # The first account of the first address is next.
        self._rows: dict[str, dict[str, deque[T]]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def place_of(self, asker: Asker) -> Asker:
        """Return the turn that the next item of an asker waits for."""
        elsewhere = self._places.get(asker.account, Counter()).keys() - {asker.address}
        return Asker(SHARED + asker.account, asker.address) if asker.account and elsewhere else asker

    def add(self, asker: Asker, item: T) -> None:
        """Add an item behind the other waiting items of this asker."""
        self._places[_account_of(asker)][asker.address] += 1
        self._rows.setdefault(asker.address, {}).setdefault(asker.account, deque()).append(item)
        self._size += 1

    def take(self) -> T | None:
        """Take the next item; None if nothing waits."""
        if not self._rows:
            return None
        address, accounts = next(iter(self._rows.items()))
        account, items = next(iter(accounts.items()))
        item = items[0]
        self._remove(Asker(address, account), item)
        # Both move to the end, until their next turn.
        if items:
            accounts[account] = accounts.pop(account)
        if accounts:
            self._rows[address] = self._rows.pop(address)
        return item

    def has(self, asker: Asker, item: T) -> bool:
        """Whether the item still waits."""
        return item in self._rows.get(asker.address, {}).get(asker.account, ())

    def discard(self, asker: Asker, item: T) -> None:
        """Remove the item if it still waits."""
        if self.has(asker, item):
            self._remove(asker, item)

    def ahead_of(self, asker: Asker) -> int:
        """Return how many items would be taken before the next item of this asker, if no more were added."""
        own = self._rows.get(asker.address, {})
        rounds = len(own.get(asker.account, ()))
        of_address = sum(min(len(items), rounds + (account != asker.account)) for account, items in own.items())
        others = (accounts for address, accounts in self._rows.items() if address != asker.address)
        return of_address + sum(min(_count(accounts), of_address + 1) for accounts in others)

    def take_last_of_longest(self, *, unless: Asker) -> tuple[Asker, T] | None:
        """Take the newest item of the asker with the most waiting, and return it with its asker.

        None if taking it would leave that asker with fewer items than `unless` would have with one more.
        """
        # Among equals, the one that would be served last.
        address = max(reversed(self._rows), key=lambda address: _count(self._rows[address]), default=None)
        if address is None:
            return None
        accounts, own = self._rows[address], self._rows.get(unless.address, {})
        account = max(reversed(accounts), key=lambda account: len(accounts[account]))
        most, mine = (
            (len(accounts[account]), len(own.get(unless.account, ())))
            if address == unless.address
            else (_count(accounts), _count(own))
        )
        if most <= mine + 1:
            return None
        whose, item = Asker(address, account), accounts[account][-1]
        self._remove(whose, item)
        return whose, item

    def _remove(self, asker: Asker, item: T) -> None:
        accounts = self._rows[asker.address]
        accounts[asker.account].remove(item)
        self._size -= 1
        places = self._places[_account_of(asker)]
        places[asker.address] -= 1
        if not places[asker.address]:
            del places[asker.address]
        if not places:
            del self._places[_account_of(asker)]
        if not accounts[asker.account]:
            del accounts[asker.account]
        if not accounts:
            del self._rows[asker.address]


def _account_of(place: Asker) -> str:
    return place.address.removeprefix(SHARED) if place.address.startswith(SHARED) else place.account


def _count(accounts: dict[str, deque[T]]) -> int:
    return sum(map(len, accounts.values()))
