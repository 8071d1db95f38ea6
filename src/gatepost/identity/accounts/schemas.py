"""JSON of accounts."""

from typing import Annotated

from pydantic import AfterValidator, Field

from gatepost.core.crypto.passwords import LONGEST as LONGEST_PASSWORD
from gatepost.http.schemas import unusable
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import LONGEST_EMAIL, parse_email, parse_existing_email, parse_wanted_name


def _is_username(text: str) -> str:
    with unusable("username_invalid"):
        parse_wanted_name(text)
    return text


def _is_email(text: str) -> str:
    with unusable("email_invalid"):
        parse_email(text)
    return text


def _is_known_email(text: str) -> str:
    with unusable("email_invalid"):
        parse_existing_email(text)
    return text


# What a pattern can express; the code checks the rest, and produces the error messages.
USERNAME = {"maxLength": LONGEST_EMAIL, "minLength": 1, "pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"}
EMAIL = {
    "format": "idn-email",
    "maxLength": LONGEST_EMAIL,
    "minLength": 3,
    "pattern": r"^\s*[^@\s\x00]+@[^@\s\x00]+\s*$",
}

Username = Annotated[str, Field(max_length=255, json_schema_extra=USERNAME), AfterValidator(_is_username)]
EmailAddress = Annotated[str, Field(max_length=320, json_schema_extra=EMAIL), AfterValidator(_is_email)]
# The address of an existing account, perhaps from another system.
KnownAddress = Annotated[str, Field(max_length=320, json_schema_extra=EMAIL), AfterValidator(_is_known_email)]
NewPassword = Annotated[str, Field(max_length=LONGEST_PASSWORD)]


def role_labels(user: User) -> list[str]:
    """Return the roles in the form for clients: `ROLE_ADMIN` for `admin`."""
    return [f"ROLE_{name.upper()}" for name in user.role_names]
