"""Explains in one line why a database cannot be used, with a remedy: server messages are terse or quote whole SQL."""

import sqlite3
from collections.abc import Mapping

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from gatepost.core.db.tls import NO_ANSWER, TLS_FAILED
from gatepost.core.network_causes import unreached
from gatepost.core.plain_text import one_line

LONGEST_WORDS = 200
GIVE = "Grant it: GRANT ALL ON `{database}`.* TO '{user}'@'…'"
# By error number of MySQL and MariaDB (Server Error Message Reference, Client Error Message Reference).
OF_MYSQL: Mapping[int, str] = {
    **dict.fromkeys(
        (1045, 1698),
        "the user {user} or the password is wrong, or the user may not connect from this machine, or only with TLS",
    ),
    1049: "the database {database} does not exist. Create it: CREATE DATABASE `{database}` CHARACTER SET utf8mb4",
    1044: f"the user {{user}} has no access to the database {{database}}, or it does not exist. {GIVE}",
    # Privileges on a table, a column, the server, a routine; to grant; for triggers with a binary log.
    **dict.fromkeys(
        (1142, 1143, 1227, 1370, 1410, 1419), f"the user {{user}} lacks a privilege in {{database}}. {GIVE}"
    ),
    **dict.fromkeys((1129, 1130), "the server at {where} does not accept connections from this machine"),
    **dict.fromkeys(
        (1040, 1203, 1226), "the server at {where} has no connection left. Raise max_connections, or lower DB_POOL_SIZE"
    ),
    **dict.fromkeys((1251, 1524, 2059), "the driver does not support the authentication method of the user {user}"),
    **dict.fromkeys((2006, 2013), "the server at {where} closed the connection: is it really MySQL or MariaDB?"),
    TLS_FAILED: "no encrypted connection to {where}; see DB_TLS in docs/mysql.md",
}
# By the primary result code, the low byte (https://www.sqlite.org/rescode.html).
OF_SQLITE: Mapping[int, str] = {
    sqlite3.SQLITE_CANTOPEN: "{file} cannot be opened: its folder does not exist, or the permissions do not allow it",
    sqlite3.SQLITE_NOTADB: "{file} is not an SQLite database",
    sqlite3.SQLITE_READONLY: "{file} cannot be written: the permissions do not allow it",
    sqlite3.SQLITE_FULL: "{file} cannot grow: the disk is full",
    sqlite3.SQLITE_BUSY: "another program is writing to {file}; stop it, or try again",
    sqlite3.SQLITE_CORRUPT: "{file} is damaged: restore a backup, see docs/backup.md",
}


def cause_of(error: BaseException, url: URL, *, is_ours: bool = True) -> str:
    """Return why the database at `url` cannot be used. The text has no line break, no password and no SQL.

    It includes a remedy only for Gatepost's own database.
    """
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if url.get_backend_name() == "sqlite":
        kind = getattr(original, "sqlite_errorcode", 0) & 0xFF
        return OF_SQLITE.get(kind, "{file}: {words}").format(file=url.database, words=_words(original))
    number = original.args[0] if original.args else None
    if number == NO_ANSWER or isinstance(original, OSError):
        told = unreached(original, host=url.host or "", where=_where(url))
        return told or f"{_where(url)} cannot be reached: {_words(original)}"
    said = f"{_words(original)} ({number})" if isinstance(number, int) else _words(original)
    known = OF_MYSQL.get(number) if isinstance(number, int) else None
    if known is None:
        return said
    cause, _, remedy = known.format(user=url.username, database=url.database, where=_where(url)).partition(". ")
    return f"{cause}: {said}" + (f". {remedy}" if remedy and is_ours else "")


def _where(url: URL) -> str:
    host = f"[{url.host}]" if ":" in (url.host or "") else url.host or "localhost"
    return f"{host}:{url.port or 3306}"


def _words(error: BaseException) -> str:
    """Return the first line of what the server or driver says."""
    text = str(error.args[-1]) if error.args else type(error).__name__
    return one_line(text.strip().partition("\n")[0])[:LONGEST_WORDS].strip(" .")
