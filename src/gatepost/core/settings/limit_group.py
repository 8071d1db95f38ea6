"""Settings for limits on guesses and requests, and for common passwords."""

from pydantic import BaseModel, Field, SecretStr

from gatepost.core.settings.types import PositiveInt

# As the limits library writes it: 20/hour, 5 per 10 minutes.
RATE = r"^[1-9][0-9]{0,8}\s*(/|per)\s*([1-9][0-9]{0,4}\s*)?(second|minute|hour|day)s?$"


class LimitSettings(BaseModel):
    """Limits on wrong passwords, requests and mails."""

    guesses_per_account: PositiveInt = Field(
        5,
        description="Wrong passwords for one account before strangers have to wait; each known device has its own "
        "count.",
    )
    guesses_per_address: PositiveInt = Field(
        100, description="Wrong passwords from one IP address (IPv6: one /64) in an hour before it has to wait."
    )
    guess_max_wait_seconds: PositiveInt = Field(
        900, ge=5, description="Longest wait; waits begin at 5 seconds and double with each wrong password."
    )
    rate_limits: bool = Field(
        True, description="`false` turns off the rate limits below; limits on wrong passwords stay."
    )
    signup_rate: str = Field("100/hour", pattern=RATE, description="Sign-ups from one IP address.")
    signin_rate: str = Field(
        "60/minute", pattern=RATE, description="Correct passwords and passkeys for one account, from anywhere."
    )
    mail_rate: str = Field("30/hour", pattern=RATE, description="Requests for a mail from one IP address.")
    mailbox_rate: str = Field(
        "5/hour", pattern=RATE, description="Mails of one kind to one mailbox that one IP address requests."
    )
    mailbox_shared_rate: str = Field("20/hour", pattern=RATE, description="The same, for all strangers together.")
    link_rate: str = Field(
        "60/hour", pattern=RATE, description="Links from mails, and codes, tried from one IP address."
    )
    refresh_rate: str = Field("1000/minute", pattern=RATE, description="Refreshes from one IP address.")
    change_rate: str = Field("60/hour", pattern=RATE, description="Changes that an account makes to itself.")
    passkey_rate: str = Field(
        "100/minute",
        pattern=RATE,
        description="Requests for passkeys, and apps at a sign-in, from one IP address; each sign-in page makes one.",
    )
    providers_rate: str = Field(
        "100/minute",
        pattern=RATE,
        description="Requests to sign in with another provider, and ways back from there, from one IP address.",
    )
    redis_url: SecretStr | None = Field(
        None,
        description="`redis://user:password@host:6379/0`, for limits that all processes share; without it, each "
        "process counts alone.",
    )
    refuse_common_passwords: bool | None = Field(
        None,
        description="Refuse common passwords, and those similar to the user name or address; by default only in "
        "production.",
    )
