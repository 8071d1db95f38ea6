"""The settings against password guessing and floods of requests."""

from pydantic import BaseModel, Field, SecretStr

from gatepost.core.settings.types import PositiveInt

# The notation of the limits library: 20/hour, 5 per 10 minutes.
RATE = r"^[1-9][0-9]{0,8}\s*(/|per)\s*([1-9][0-9]{0,4}\s*)?(second|minute|hour|day)s?$"


class LimitSettings(BaseModel):
    """How many wrong passwords and requests are allowed."""

    guesses_per_account: PositiveInt = Field(
        5,
        description="Wrong passwords for one account before unknown devices must wait. Each known device has the same "
        "number for itself.",
    )
    guesses_per_address: PositiveInt = Field(
        100, description="Wrong passwords from one address (IPv6: one /64) in an hour before it must wait."
    )
    guess_max_wait_seconds: PositiveInt = Field(
        900, ge=5, description="Maximum wait. Waits start at 5 seconds and double with each wrong password."
    )
    rate_limits: bool = Field(
        True, description="`false` turns off the limits below. The limits on wrong passwords stay."
    )
    signup_rate: str = Field("100/hour", pattern=RATE, description="Sign-ups from one address.")
    signin_rate: str = Field(
        "60/minute", pattern=RATE, description="Correct passwords for one account, from all addresses together."
    )
    mail_rate: str = Field("30/hour", pattern=RATE, description="Requests for a mail from one address.")
    mailbox_rate: str = Field(
        "5/hour", pattern=RATE, description="Mails of one kind to one mailbox, requested from one address."
    )
    mailbox_shared_rate: str = Field(
        "20/hour",
        pattern=RATE,
        description="Mails of one kind to one mailbox, requested from all unknown devices together.",
    )
    link_rate: str = Field("60/hour", pattern=RATE, description="Links from mails, and codes, tried from one address.")
    refresh_rate: str = Field("1000/minute", pattern=RATE, description="Refreshes from one address.")
    change_rate: str = Field("60/hour", pattern=RATE, description="Changes that a user makes to their own account.")
    redis_url: SecretStr | None = Field(
        None,
        description="`redis://user:password@host:6379/0`, for limits shared by all processes. Without it, each process "
        "counts for itself.",
    )
    refuse_common_passwords: bool | None = Field(
        None,
        description="Refuse common passwords, and passwords similar to the user name or address. Default: only in "
        "production.",
    )
