"""The settings of mail, accounts and the audit log."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr

from gatepost.core.settings.types import PositiveInt

# A tag of RFC 5646, limited to the length of the columns that store it.
LANGUAGE = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"


class EmailVerification(StrEnum):
    """Whether an address must be verified: never, some time after sign-in, or before it."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


class SignUp(StrEnum):
    """Who may sign up: everybody, invited people, or nobody."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class MailSettings(BaseModel):
    """How the service sends mail."""

    mail_url: SecretStr = Field(
        SecretStr("console:"),
        description="`console:` (prints it), `smtp://user:password@host:587`, `smtps://…:465` or `file:FOLDER`.",
    )
    console_mail_in_production: bool = Field(
        False,
        description="Allow MAIL_URL=console: in production. The log then contains links that give access to accounts.",
    )
    plain_smtp_in_production: bool = Field(
        False, description="Allow starttls=no to another machine in production, for example inside a private network."
    )
    mail_from: str = Field("Gatepost <no-reply@localhost>", description="Sender of all mails.")
    mail_ehlo_name: str | None = Field(
        None,
        description="Host name sent to the mail server (EHLO). Default: the name of the machine, or of PUBLIC_URL.",
    )
    mail_templates: Path | None = Field(None, description="Folder with templates that replace the built-in ones.")
    mail_attempts: PositiveInt = Field(
        12, description="Attempts to send a mail, with growing waits, before it is given up."
    )
    default_language: str = Field(
        "en",
        pattern=LANGUAGE,
        max_length=16,
        description="Language of mails for people who have not chosen one: `en` or `de`.",
    )


class AccountSettings(BaseModel):
    """Who may sign up, what they must verify, and how long links in mails are valid."""

    signup: SignUp = Field(SignUp.OPEN, description="`open`, `invite` (only with an invitation) or `closed`.")
    signup_reveals_taken: bool = Field(
        True,
        description="Whether sign-up reveals that an address is taken. With `false` the answer is always the same, and "
        "a mail is sent.",
    )
    email_verification: EmailVerification = Field(
        EmailVerification.OPTIONAL, description="`off`, `optional`, or `required` before the first sign-in."
    )
    verify_email_hours: PositiveInt = Field(48, description="Lifetime of the link that verifies an address.")
    reset_password_minutes: PositiveInt = Field(60, description="Lifetime of the link that sets a new password.")
    invitation_days: PositiveInt = Field(
        7, description="Lifetime of an invitation, and of the link to set a first password."
    )
    deletion_grace_days: int = Field(
        14,
        ge=0,
        description="Days between a request to delete an account and its deletion. Signing in cancels the request.",
    )


class AuditSettings(BaseModel):
    """How long the audit log is kept."""

    audit_retention_days: int = Field(
        400, ge=0, le=36500, description="Age at which entries of the audit log are deleted. 0 keeps them forever."
    )
