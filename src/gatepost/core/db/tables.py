"""What all tables share: the base class, constraint names, and column types that behave the same on every database."""

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
# Stands for a moment that cannot be read; earlier than any real one.
UNREADABLE = datetime(1000, 1, 1, tzinfo=UTC)
# Later moments are read as this one, so that adding to them does not overflow.
LATEST = datetime(9000, 1, 1, tzinfo=UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with microseconds: aware and UTC in Python, without a zone in the database.

    A malformed value, written by another program, is read as `UNREADABLE`, so that it does not make other rows
    unreadable.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Keep microseconds on MySQL, which drops fractions of a second by default."""
        if dialect.name in MYSQL:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC.

        Raises:
            ValueError: the moment has no time zone.
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
        """Read any value without failing."""
        read = super().result_processor(dialect, coltype) or (lambda value: value)

        def readable(value: Any) -> datetime | None:
            try:
                return read(value)
            except (ValueError, TypeError):
                return UNREADABLE

        return readable


class MySqlBinary(TypeDecorator[bytes]):
    """VARBINARY, whose values are sent as hexadecimal digits because the driver fails on parameters that are bytes."""

    impl = mysql.VARBINARY
    cache_ok = True

    def bind_expression(self, bindparam: BindParameter[bytes]) -> ColumnElement[bytes]:
        """Make the database convert the digits to bytes."""
        return func.unhex(bindparam)

    def bind_processor(self, dialect: Dialect) -> Callable[[bytes | None], str | None]:
        """Send the bytes as digits."""
        return lambda value: None if value is None else value.hex()


def text(length: int) -> String:
    """Return a column type for text that people write, in any script."""
    return String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_unicode_ci"), *MYSQL)


def exact(length: int) -> String:
    """Return a column type for text that is compared byte by byte: canonical names, keys, codes."""
    return String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), *MYSQL)


def octets(length: int) -> LargeBinary:
    """Return a column type for bytes."""
    return LargeBinary(length).with_variant(MySqlBinary(length), *MYSQL)


# SQLite generates ids only for INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")
PrimaryId = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]


class Base(DeclarativeBase):
    """The base of every table. Constraints have names, so that later migrations can refer to them on SQLite too."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012  declared so by the base class
    __table_args__ = {  # noqa: RUF012
        "mysql_charset": "utf8mb4",
        "mysql_collate": "utf8mb4_unicode_ci",
        # Otherwise SQLite reuses the id of a deleted last row, and its tokens would then name another row.
        "sqlite_autoincrement": True,
    }
