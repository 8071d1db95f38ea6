"""Verifies the hash chain: every seal and every entry, in pages, so that memory use does not grow with its length."""

import hmac
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from gatepost.audit.chain import (
    SealKey,
    content_digest,
    entry_digest,
    fits,
    is_digest,
    known_keys,
    moment,
    read_content,
)
from gatepost.audit.repository import Entries, Raw, Seals
from gatepost.audit.sealer import PURPOSE, is_purged_with, link_of
from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.db.database import Database
from gatepost.core.ids import ID_TEXT

SEALS = 50
ENTRIES = 1000
HEAD = re.compile(rf"({ID_TEXT}):([0-9a-f]{{64}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Head:
    """A seal's id and digest. Kept in another place, it later reveals whether seals were removed or replaced."""

    seal_id: int
    digest: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Parse the result of `str`.

        Raises:
            ValueError: the text does not have that form.
        """
        form = HEAD.fullmatch(text.strip())
        if form is None:
            raise ValueError(
                "a head looks like 57:2cf24dba5fb0a30e… with 64 digits, as gatepost audit verify prints it"
            )
        return cls(int(form[1]), form[2])

    def __str__(self) -> str:
        return f"{self.seal_id}:{self.digest}"


@dataclass(slots=True)
class ChainReport:
    """What was checked."""

    seals: int = 0
    entries: int = 0
    purged: int = 0
    unsealed: int = 0
    unsealed_since: str | None = None
    head: Head | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A seal with a trusted list of entries: their digests by id, made with `key`."""

    key: bytes
    left: dict[int, str] = field(default_factory=dict)


class ChainCheck:
    """One check of the whole chain."""

    def __init__(self, database: Database, secrets: SecretKeys) -> None:
        self._db = database
        self._own = secrets.derive(PURPOSE)
        self._keys: Sequence[SealKey] = ()
        # The last expected seal that was found.
        self._confirmed: int | None = None
        self.report = ChainReport()
        """Filled while `findings` runs."""

    async def findings(self, expected: Iterable[Head] = ()) -> AsyncIterator[str]:
        """Yield each finding in one line, with the id of the entry or seal; none if the chain is intact.

        `expected` are heads from earlier checks, whose seals must still exist.
        """
        due = sorted(expected, key=lambda head: head.seal_id, reverse=True)
        async with self._db.read() as tx:
            self._keys = known_keys(self._own, await Seals(tx).handovers())
        last: Raw | None = None
        while seals := await self._page(last):
            checked: dict[int, Checked | None] = {}
            above = None if last is None else last["id"]
            for seal in seals:
                for line in (*self._check_place(seal, last), *self._check_expected(seal, due)):
                    yield line
                lines: list[str] = []
                checked[seal["id"]] = self._check_seal(seal, lines.append)
                for line in lines:
                    yield line
                last = seal
            async for line in self._check_entries(checked, above=above, to=seals[-1]["id"]):
                yield line
        async for line in self._check_end(last):
            yield line
        for head in reversed(due):
            yield _missing(head)

    async def _page(self, last: Raw | None) -> Sequence[Raw]:
        async with self._db.read() as tx:
            return await Seals(tx).page(after=None if last is None else last["id"], limit=SEALS)

    def _check_place(self, seal: Raw, last: Raw | None) -> Iterator[str]:
        """Yield what is wrong between a seal and the previous one."""
        self.report.seals += 1
        self.report.head = _head(seal)
        due = 1 if last is None else last["id"] + 1
        if seal["id"] > due:
            yield f"seal {due}: missing" if seal["id"] == due + 1 else f"seals {due} to {seal['id'] - 1}: missing"
        elif seal["previous"] != ("" if last is None else last["digest"]):
            yield f"seal {seal['id']}: does not follow " + (f"seal {last['id']}" if last else "an empty log")

    def _check_expected(self, seal: Raw, due: list[Head]) -> Iterator[str]:
        """Yield expected heads that do not match; those up to this seal are removed from `due`, whose last is next."""
        while due and due[-1].seal_id <= seal["id"]:
            head = due.pop()
            if head == _head(seal):
                self._confirmed = head.seal_id
            elif head.seal_id < seal["id"]:
                yield _missing(head)
            else:
                known = "" if self._confirmed is None else f"; seal {self._confirmed} and those before are"
                yield f"seal {head.seal_id}: not the one that was expected{known}"

    def _check_seal(self, seal: Raw, tell: Callable[[str], None]) -> Checked | None:
        """Report what is wrong with a seal; return what its entries must be, or None if that cannot be known."""
        link = link_of(seal)
        maker = self._maker(link.id, lambda key: link.digest(key), seal["digest"])
        if seal["purged_at"] is not None and self._is_purged(seal):
            if maker is None:
                tell(f"seal {link.id}: changed or inserted")
                return None
            self.report.purged += link.entries
            return Checked(maker)
        rows = read_content(seal["rows"])
        lister = None if rows is None else self._maker(link.id, lambda key: content_digest(key, rows), link.content)
        if maker is None and lister is None:
            tell(
                f"seal {link.id}: changed or inserted, or made under another SECRET_KEY; its entries cannot be checked"
            )
        elif lister is None:
            tell(f"seal {link.id}: its list of entries was changed; they cannot be checked")
        elif maker is None:
            tell(f"seal {link.id}: changed")
        elif seal["purged_at"] is not None or seal["purge_proof"] is not None:
            tell(f"seal {link.id}: marked as purged, but not by the service")
        return None if lister is None or rows is None else Checked(lister, dict(rows))

    def _maker(self, seal_id: int, digest: Callable[[bytes], str], found: Any) -> bytes | None:
        keys = (known.key for known in self._keys if known.may_seal(seal_id))
        return next((key for key in keys if fits(digest(key), found)), None)

    def _is_purged(self, seal: Raw) -> bool:
        return any(is_purged_with(known.key, seal) for known in self._keys if known.may_purge(seal["id"]))

    async def _check_entries(
        self, checked: dict[int, Checked | None], *, above: int | None, to: int
    ) -> AsyncIterator[str]:
        """Yield what is wrong with the entries of these seals."""
        async for row in self._entries(above=above, to=to):
            if (line := _check_entry(row, checked)) is not None:
                yield line
            self.report.entries += 1
        left = {seal_id: seal.left for seal_id, seal in checked.items() if seal is not None and seal.left}
        async with self._db.read() as tx:
            # They may have been purged after the seal was read.
            purged = {seal["id"] for seal in await Seals(tx).get(left) if self._is_purged(seal)} if left else set()
        for seal_id, entries in left.items():
            if seal_id in purged:
                self.report.purged += len(entries)
                continue
            for entry_id in entries:
                yield f"entry {entry_id}: missing; seal {seal_id} holds it"

    async def _entries(self, *, above: int | None, to: int) -> AsyncIterator[Raw]:
        after: tuple[int, int] | None = None
        while True:
            async with self._db.read() as tx:
                rows = await Entries(tx).of_seals(above=above, to=to, after=after, limit=ENTRIES)
            for row in rows:
                yield row
            if len(rows) < ENTRIES:
                return
            after = rows[-1]["seal_id"], rows[-1]["id"]

    async def _check_end(self, last: Raw | None) -> AsyncIterator[str]:
        """Yield entries with seals after the last one, and count the unsealed ones."""
        end = None if last is None else last["id"]
        after: int | None = None
        while True:
            async with self._db.read() as tx:
                rows = await Entries(tx).beyond(end, after=after, limit=ENTRIES)
            for row in rows:
                yield _of_no_seal(row)
            if len(rows) < ENTRIES:
                break
            after = rows[-1]["id"]
        async with self._db.read() as tx:
            self.report.unsealed = await Entries(tx).count_unsealed()
            oldest = await Entries(tx).unsealed(limit=1)
        self.report.unsealed_since = moment(oldest[0]["at"]).replace("+00:00", "Z") if oldest else None


def _check_entry(row: Raw, checked: dict[int, Checked | None]) -> str | None:
    """Return what is wrong with an entry, and remove it from the list of its seal."""
    if row["seal_id"] not in checked:
        return _of_no_seal(row)
    seal = checked[row["seal_id"]]
    if seal is None:
        return None
    digest = seal.left.pop(row["id"], None)
    if digest is None:
        return f"entry {row['id']}: inserted; seal {row['seal_id']} does not hold it"
    if not hmac.compare_digest(entry_digest(seal.key, row), digest):
        return f"entry {row['id']}: changed since seal {row['seal_id']}"
    return None


def _of_no_seal(row: Raw) -> str:
    return f"entry {row['id']}: names seal {row['seal_id']!a}, which is not there"


def _head(seal: Raw) -> Head:
    # A value that is not a digest is printed as one line of ASCII; it matches no expected head.
    return Head(seal["id"], seal["digest"] if is_digest(seal["digest"]) else ascii(seal["digest"]))


def _missing(head: Head) -> str:
    return f"seal {head.seal_id}: missing, although it was expected"
