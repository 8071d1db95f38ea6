"""The fields of second factors on their way in, each read and checked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gatepost.core.crypto import base64url
from gatepost.transfer.values import read_moment, read_whole


class FactorRefused(ValueError):
    """A second factor cannot be imported; the message says why, without its secret."""


class Fields:
    """The fields of one factor, or of a part of it. Each is taken once, and none may be left."""

    def __init__(self, name: str, value: object) -> None:
        self._name = name
        if not isinstance(value, dict):
            raise FactorRefused(f"factors.{name} is an object")
        self._left: dict[str, Any] = dict(value)

    def take(self, field_name: str) -> Any:
        """Return a field; None where it is missing."""
        return self._left.pop(field_name, None)

    def moment(self, field_name: str) -> datetime | None:
        """Return a time; None where it is missing.

        Raises:
            FactorRefused: it is none.
        """
        value = self.take(field_name)
        moment = None if value is None else read_moment(value)
        if value is not None and moment is None:
            raise self.refused(field_name, "is no moment such as 2026-01-31T12:00:00Z, nor a date")
        return moment

    def flag(self, field_name: str) -> bool:
        """Return a field that has to be true or false.

        Raises:
            FactorRefused: it is neither.
        """
        value = self.take(field_name)
        if not isinstance(value, bool):
            raise self.refused(field_name, "must be true or false")
        return value

    def whole(self, field_name: str, *, most: int, what: str) -> int:
        """Return a whole number from 0 on; 0 where it is missing. `what` follows the greatest one in the message.

        Raises:
            FactorRefused: it is none.
        """
        value = self.take(field_name)
        number = 0 if value is None else read_whole(value)
        if number is None or not 0 <= number <= most:
            raise self.refused(field_name, f"is a whole number from 0 to {most}{what}")
        return number

    def parts(self, field_name: str, *, most: int, what: str) -> Sequence["Fields"]:
        """Return the objects of a list of one or more; `what` says in the message what they are.

        Raises:
            FactorRefused: it is no such list.
        """
        value = self.take(field_name)
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise self.refused(field_name, f"is a list of 1 to {most} {what}")
        return [Fields(f"{self._name}.{field_name}[{place}]", part) for place, part in enumerate(value)]

    def end(self) -> None:
        """Let nothing be left.

        Raises:
            FactorRefused: something is.
        """
        if self._left:
            raise self.refused(min(self._left)[:64], "is not known")

    def refused(self, field_name: str, why: str) -> FactorRefused:
        """Return what says that a field is not right."""
        return FactorRefused(f"factors.{self._name}.{field_name} {why}")


def octets_in(text: object, *, shortest: int, longest: int) -> bytes | None:
    """Return the bytes of a base64url text, so many; None for anything else."""
    try:
        data = base64url.decode(text) if isinstance(text, str) else b""
    except ValueError:
        return None
    return data if shortest <= len(data) <= longest else None


def text_of(moment: datetime | None) -> str | None:
    """Return a moment as an export writes it."""
    return None if moment is None else moment.isoformat()
