"""Reads and checks the fields of second factors in an import."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gatepost.core.crypto import base64url
from gatepost.transfer.values import read_moment, read_whole


class FactorRefused(ValueError):
    """A second factor cannot be imported; the message says why, without its secret."""


class Fields:
    """The fields of a factor, or of a part of it. Each is taken once, and none may be left over."""

    def __init__(self, name: str, value: object) -> None:
        self._name = name
        if not isinstance(value, dict):
            raise FactorRefused(f"factors.{name} is an object")
        self._left: dict[str, Any] = dict(value)

    def take(self, field_name: str) -> Any:
        """Return a field; None if it is missing."""
        return self._left.pop(field_name, None)

    def moment(self, field_name: str) -> datetime | None:
        """Return a time; None if it is missing.

        Raises:
            FactorRefused: it is not a time.
        """
        value = self.take(field_name)
        moment = None if value is None else read_moment(value)
        if value is not None and moment is None:
            raise self.refused(field_name, "is no moment such as 2026-01-31T12:00:00Z, nor a date")
        return moment

    def flag(self, field_name: str) -> bool:
        """Return a field that must be true or false.

        Raises:
            FactorRefused: it is neither.
        """
        value = self.take(field_name)
        if not isinstance(value, bool):
            raise self.refused(field_name, "must be true or false")
        return value

    def whole(self, field_name: str, *, most: int, what: str) -> int:
        """Return an integer from 0 to `most`; 0 if it is missing. `what` follows the maximum in the message.

        Raises:
            FactorRefused: it is not such a number.
        """
        value = self.take(field_name)
        number = 0 if value is None else read_whole(value)
        if number is None or not 0 <= number <= most:
            raise self.refused(field_name, f"is a whole number from 0 to {most}{what}")
        return number

    def parts(self, field_name: str, *, most: int, what: str) -> Sequence["Fields"]:
        """Return the objects of a list of 1 to `most`; `what` names them in the message.

        Raises:
            FactorRefused: it is not such a list.
        """
        value = self.take(field_name)
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise self.refused(field_name, f"is a list of 1 to {most} {what}")
        return [Fields(f"{self._name}.{field_name}[{place}]", part) for place, part in enumerate(value)]

    def end(self) -> None:
        """Check that no field is left over.

        Raises:
            FactorRefused: there is an unknown field.
        """
        if self._left:
            raise self.refused(min(self._left)[:64], "is not known")

    def refused(self, field_name: str, why: str) -> FactorRefused:
        """Return the error for an invalid field."""
        return FactorRefused(f"factors.{self._name}.{field_name} {why}")


def octets_in(text: object, *, shortest: int, longest: int) -> bytes | None:
    """Decode base64url text of `shortest` to `longest` bytes; None for anything else."""
    try:
        data = base64url.decode(text) if isinstance(text, str) else b""
    except ValueError:
        return None
    return data if shortest <= len(data) <= longest else None
