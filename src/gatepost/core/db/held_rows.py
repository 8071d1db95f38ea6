"""Rows that are inserted if they are missing, and locked so that one transaction at a time changes them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.dialects.mysql import insert as mysql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from gatepost.core.db.database import Transaction
from gatepost.core.db.tables import Base


async def hold_rows(tx: Transaction, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose key does not exist yet, and lock all. All callers must pass rows in the same order."""
    if tx.get_bind().dialect.name == "sqlite":
        await tx.execute(sqlite_insert(model).values(rows).on_conflict_do_nothing())
        return
    # An update of nothing locks the row; INSERT IGNORE would hide other mistakes.
    insert = mysql_insert(model).values(rows)
    key = inspect(model).primary_key[0].name
    await tx.execute(insert.on_duplicate_key_update({key: insert.inserted[key]}))
