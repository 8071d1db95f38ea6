"""How many rows a statement has changed."""

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import CursorResult, Executable

from gatepost.core.db.database import Transaction

NO_OPTIONS: Mapping[str, Any] = {}


async def rows_changed(
    tx: Transaction,
    statement: Executable,
    values: Mapping[str, Any] | None = None,
    *,
    execution_options: Mapping[str, Any] = NO_OPTIONS,
) -> int:
    """Run an INSERT, UPDATE or DELETE, and return how many rows it has changed.

    Of several transactions that want to change a row at once, one does: whoever gets 1.
    """
    result = await tx.execute(statement, values, execution_options=execution_options)
    return cast("CursorResult[Any]", result).rowcount
