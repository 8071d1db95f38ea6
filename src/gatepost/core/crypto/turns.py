"""Taking turns: whoever has much to be done waits for themselves, and not everybody else for them."""

from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose work it is: what has a turn of its own is an address, and within it an account.

    Both are any text; empty ones are one asker, as is all that comes without.
    """

    address: str = ""
    account: str = ""


NOBODY = Asker()
# Before the account, where an address would stand: no address begins so.
SHARED = "account "


class Turns(Generic[T]):
    """What waits, in the order in which it is taken: each address in turn, each account of an address in turn.

    An account that waits from several addresses has two turns and no more: that of the first address, and one that all
    others share, each of them in turn. `place_of` says which it is; all else is told that place.
    """

    def __init__(self) -> None:
        # Where each account waits, and how often.
        self._places: defaultdict[str, Counter[str]] = defaultdict(Counter)
        # The first address, and of it the first account, is the next whose turn it is.
        self._rows: dict[str, dict[str, deque[T]]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def place_of(self, asker: Asker) -> Asker:
        """Return whose turn the next item of an asker waits for."""
        elsewhere = self._places.get(asker.account, Counter()).keys() - {asker.address}
        return Asker(SHARED + asker.account, asker.address) if asker.account and elsewhere else asker

    def add(self, asker: Asker, item: T) -> None:
        """Let something wait behind what else this asker has waiting."""
        self._places[_account_of(asker)][asker.address] += 1
        self._rows.setdefault(asker.address, {}).setdefault(asker.account, deque()).append(item)
        self._size += 1

    def take(self) -> T | None:
        """Take what is next; None where nothing waits."""
        if not self._rows:
            return None
        address, accounts = next(iter(self._rows.items()))
        account, items = next(iter(accounts.items()))
        item = items[0]
        self._remove(Asker(address, account), item)
        # To the end, until their next turn.
        if items:
            accounts[account] = accounts.pop(account)
        if accounts:
            self._rows[address] = self._rows.pop(address)
        return item

    def has(self, asker: Asker, item: T) -> bool:
        """Whether something still waits."""
        return item in self._rows.get(asker.address, {}).get(asker.account, ())

    def discard(self, asker: Asker, item: T) -> None:
        """Take something out, where it still waits."""
        if self.has(asker, item):
            self._remove(asker, item)

    def ahead_of(self, asker: Asker) -> int:
        """Return how many would be taken before the next item of this asker, if nobody else came."""
        own = self._rows.get(asker.address, {})
        rounds = len(own.get(asker.account, ()))
        of_address = sum(min(len(items), rounds + (account != asker.account)) for account, items in own.items())
        others = (accounts for address, accounts in self._rows.items() if address != asker.address)
        return of_address + sum(min(_count(accounts), of_address + 1) for accounts in others)

    def take_last_of_longest(self, *, unless: Asker) -> tuple[Asker, T] | None:
        """Take the newest item of whoever has most waiting, and say whose it was.

        None where taking it would leave them fewer than `unless` would have with one more.
        """
        # Of those with as much, whoever would be served last.
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
