"""Stages a whole source before anything is imported, so that duplicates are found first."""

import pickle
import sqlite3
from collections.abc import Iterator, Sequence

from gatepost.transfer.marks import CODES
from gatepost.transfer.records import Conflict, Row, describe_twice

TWICE = {
    "id": ("id_twice", "the same id is in the source more than once"),
    "username": (
        "username_twice",
        "these are one user name, apart from case, width, spaces or spelled accents",
    ),
    "email": ("email_twice", "these are one e-mail address, apart from case, width or the spelling of accents"),
}


class Staging:
    """Rows of a source, in a temporary database that nobody else can open and that is deleted with the process."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")
        self._db.execute(
            "CREATE TABLE rows (seq INTEGER PRIMARY KEY, place TEXT, id INTEGER, username TEXT, email TEXT,"
            " is_refused INTEGER, data BLOB)"
        )
        self._db.execute("CREATE TABLE marks (what TEXT, value BLOB, seq INTEGER)")
        self._count = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows; those with complaints too, because their names may be duplicates."""
        numbered = list(enumerate(rows, start=self._count + 1))
        self._count += len(rows)
        self._db.executemany(
            "INSERT INTO rows (seq, place, id, username, email, is_refused, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    seq,
                    row.place,
                    row.id,
                    row.username.canonical if row.username else None,
                    row.email.canonical if row.email else None,
                    bool(row.complaints),
                    pickle.dumps(row),
                )
                for seq, row in numbered
            ],
        )
        marks = [(*mark, seq) for seq, row in numbered for mark in row.factors.marks]
        self._db.executemany("INSERT INTO marks (what, value, seq) VALUES (?, ?, ?)", marks)

    def refuse_twice(self) -> Iterator[Conflict]:
        """Refuse all rows that share an id, name, address, passkey or identity: nobody can know which one is right."""
        for column, (code, reason) in TWICE.items():
            self._db.execute(f"CREATE INDEX by_{column} ON rows ({column})")
            groups = self._db.execute(
                f"SELECT {column} FROM rows WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > 1"  # noqa: S608
            ).fetchall()
            for (value,) in groups:
                rows = self._db.execute(
                    f"SELECT seq, place, id, data FROM rows WHERE {column} = ? ORDER BY seq",  # noqa: S608
                    (value,),
                ).fetchall()
                yield from self._refuse(rows, code, reason)
        yield from self._refuse_marks_twice()

    def _refuse_marks_twice(self) -> Iterator[Conflict]:
        self._db.execute("CREATE INDEX by_mark ON marks (what, value)")
        groups = self._db.execute(
            "SELECT what, value FROM marks GROUP BY what, value HAVING count(DISTINCT seq) > 1"
        ).fetchall()
        for what, value in groups:
            rows = self._db.execute(
                "SELECT seq, place, id, data FROM rows WHERE seq IN"
                " (SELECT seq FROM marks WHERE what = ? AND value = ?) ORDER BY seq",
                (what, value),
            ).fetchall()
            yield from self._refuse(rows, f"{CODES[what]}_twice", f"the same {what} is in the source more than once")

    def _refuse(self, rows: Sequence[tuple[int, str, int | None, bytes]], code: str, reason: str) -> Iterator[Conflict]:
        others = describe_twice((place, number) for _, place, number, _ in rows)
        for seq, _, _, data in rows:
            self._db.execute("UPDATE rows SET is_refused = 1 WHERE seq = ?", (seq,))
            yield _load(data).conflict(code, f"{reason}: {others}")

    def batches(self, size: int) -> Iterator[list[Row]]:
        """Yield the rows to import, those with an id first, so that no other row is assigned their id."""
        rows = self._db.execute("SELECT data FROM rows WHERE is_refused = 0 ORDER BY id IS NULL, id, seq")
        while found := rows.fetchmany(size):
            yield [_load(data) for (data,) in found]

    def close(self) -> None:
        """Close the database, which deletes it."""
        self._db.close()


def _load(data: bytes) -> Row:
    row: Row = pickle.loads(data)  # noqa: S301  written by this process, into a file that only it has
    return row
