"""What every table shares: the base class, constraint names, and column types that mean the same everywhere."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    DateTime,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    String,
    func,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

MYSQL = ("mysql", "mariadb")
# What stands for a moment that cannot be read: long ago, and before everything that is.
UNREADABLE = datetime(1000, 1, 1, tzinfo=UTC)
# A moment that somebody has put at the end of the calendar leaves room to reckon with it.
LATEST = datetime(9000, 1, 1, tzinfo=UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with microseconds: aware and UTC in Python, without a zone in the database.

    What other hands have written there in another form is read as `UNREADABLE`, so that it stops nobody who reads the
    rows beside it.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """MySQL drops fractions of a second unless it is told to keep them."""
        if dialect.name in MYSQL:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC.

        Raises:
            ValueError: the moment has no zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read as UTC."""
        return None if value is None else min(value.replace(tzinfo=UTC), LATEST)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Read whatever is there."""
        read = super().result_processor(dialect, coltype) or (lambda value: value)

        def readable(value: Any) -> datetime | None:
            try:
                return read(value)
            except (ValueError, TypeError):
                return UNREADABLE

        return readable


class MySqlBinary(TypeDecorator[bytes]):
    """VARBINARY, to which bytes are sent as hexadecimal digits: the driver fails on a parameter that is bytes."""

    impl = mysql.VARBINARY
    cache_ok = True

    def bind_expression(self, bindparam: BindParameter[bytes]) -> ColumnElement[bytes]:
        """Let the database turn the digits into bytes."""
        return func.unhex(bindparam)

    def bind_processor(self, dialect: Dialect) -> Callable[[bytes | None], str | None]:
        """Send digits."""
        return lambda value: None if value is None else value.hex()


def text(length: int) -> String:
    """Return a column type for text of people, any script."""
    return String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_unicode_ci"), *MYSQL)


def exact(length: int) -> String:
    """Return a column type for text that is compared byte by byte: canonical names, keys, codes."""
    return String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), *MYSQL)


def octets(length: int) -> LargeBinary:
    """Return a column type for bytes."""
    return LargeBinary(length).with_variant(MySqlBinary(length), *MYSQL)


# SQLite counts up by itself only for INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")
PrimaryId = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]


class Base(DeclarativeBase):
    """Every table. Constraints have names, so that a later migration can speak of them on SQLite too."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012  the base class declares it so
    __table_args__ = {  # noqa: RUF012
        "mysql_charset": "utf8mb4",
        "mysql_collate": "utf8mb4_unicode_ci",
        # Otherwise SQLite gives the id of a deleted last row again, and with it what its tokens stand for.
        "sqlite_autoincrement": True,
    }
