"""Settings for accounts: mail, sign-up, verification of addresses, second factors, passkeys, the audit log."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr

from gatepost.core.settings.types import CommaSeparated, PositiveInt

# A language tag (RFC 5646); `max_length` matches the columns that store it.
LANGUAGE = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"


class EmailVerification(StrEnum):
    """Whether people verify their address: never, optionally, or before the first sign-in."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


class SecondFactor(StrEnum):
    """Whether people can set up a second factor, or all people or all administrators must."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"
    REQUIRED_FOR_ADMINS = "required_for_admins"


class EmailSignIn(StrEnum):
    """Whether a code or a link in a mail signs people in."""

    OFF = "off"
    ON = "on"


class SignUp(StrEnum):
    """Who may create an account: anybody, people with an invitation, or nobody."""

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
        False, description="Allow MAIL_URL=console: in production: the log then contains links that open accounts."
    )
    plain_smtp_in_production: bool = Field(
        False, description="Allow starttls=no to another machine in production, for example in a private network."
    )
    mail_from: str = Field("Gatepost <no-reply@localhost>", description="The sender of every mail.")
    mail_ehlo_name: str | None = Field(
        None, description="Name sent to the mail server (EHLO); by default that of the machine or of PUBLIC_URL."
    )
    mail_templates: Path | None = Field(None, description="Folder with templates that replace the built-in ones.")
    mail_attempts: PositiveInt = Field(12, description="Attempts, with growing waits, before a mail is given up.")
    default_language: str = Field(
        "en",
        pattern=LANGUAGE,
        max_length=16,
        description="Language of mails for people who have not chosen one: `en` or `de`.",
    )


class AccountSettings(BaseModel):
    """Who may sign up, verification of addresses, and how long links in mails are valid."""

    signup: SignUp = Field(SignUp.OPEN, description="`open`, `invite` (only with an invitation) or `closed`.")
    signup_reveals_taken: bool = Field(
        True,
        description="Sign-up reveals that a name or address is taken; with `false` it always gives the same answer "
        "and sends a mail instead.",
    )
    email_verification: EmailVerification = Field(
        EmailVerification.OPTIONAL, description="`off`, `optional`, or `required` before the first sign-in."
    )
    email_sign_in: EmailSignIn | None = Field(
        None,
        description="Codes and links by mail that sign people in: `on` or `off`; by default on, but off with "
        "EMAIL_VERIFICATION=off, and in production with MAIL_URL=console:.",
    )
    verify_email_hours: PositiveInt = Field(48, description="Lifetime of the link that verifies an address.")
    reset_password_minutes: PositiveInt = Field(60, description="Lifetime of the link that sets a new password.")
    invitation_days: PositiveInt = Field(
        7, description="Lifetime of an invitation, and of a link to set a first password."
    )
    second_factor: SecondFactor = Field(
        SecondFactor.OPTIONAL,
        description="`off` (nobody can set one up), `optional`, `required` or `required_for_admins`: people without "
        "one set it up at the next sign-in. An account with a second factor always needs it.",
    )
    trusted_device_days: int = Field(
        30,
        ge=0,
        le=365,
        description="Days for which a device is not asked for the second factor again, if the person chooses so; "
        "0 always asks.",
    )
    deletion_grace_days: int = Field(
        14, ge=0, description="Days between the request to delete an account and its deletion; signing in cancels it."
    )


class PasskeySettings(BaseModel):
    """Where passkeys can be used."""

    passkey_rp_id: str | None = Field(
        None,
        description="Domain of the passkeys: the host of PUBLIC_URL (the default) or a parent domain of it. With "
        "another one, all existing passkeys become useless.",
    )
    passkey_origins: CommaSeparated = Field(
        (),
        description="Further origins of apps that may use these passkeys, comma-separated: "
        "`https://app.example.com`, or `android:apk-key-hash:…`.",
    )


class ProviderFileSettings(BaseModel):
    """Other providers by which people can sign in. `PROVIDER_GOOGLE_CLIENT_ID` and the like set them up, too."""

    providers_file: Path | None = Field(
        None, description="File that sets up other providers (TOML); docs/providers.md describes it."
    )


class AuditSettings(BaseModel):
    """How long audit entries are kept."""

    audit_retention_days: int = Field(
        400, ge=0, le=36500, description="Age at which entries of the audit log are purged; 0 keeps them forever."
    )
