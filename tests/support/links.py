"""The mails that people got, and the links in them."""

import email
import email.policy
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepost.composition.services import Services
from gatepost.core.db.database import Transaction
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from tests.support.api import Api, Person

SUBJECTS = {
    "Verify your e-mail address": "verify_email",
    "Reset your password": "reset_password",
    "Set your password": "set_password",
    "Verify your new e-mail address": "confirm_new_email",
    "Your sign-in code": "sign_in_code",
    "Your code to verify your e-mail address": "address_code",
    "Your code to confirm that it is you": "confirmation_code",
    "Your e-mail address was changed": "email_changed",
    "Your password was changed": "password_changed",
    "New sign-in": "new_device",
    "An authenticator app was set up for your account": "second_factor_added",
    "The authenticator app of your account was removed": "second_factor_removed",
    "An administrator has removed your second factors": "factors_reset",
    "A recovery code was used": "recovery_code_used",
    "You have new recovery codes": "recovery_codes_replaced",
    "Wrong codes": "codes_guessed",
    "A passkey was added": "passkey_added",
    "A passkey was removed": "passkey_removed",
    "A passkey of your account may": "passkey_copied",
    "Your account has no password": "password_removed",
    "An account at another provider was linked": "identity_linked",
    "An account at another provider was unlinked": "identity_unlinked",
    "You already have an account": "sign_up_taken",
    "This user name is taken": "sign_up_taken",
    "You are invited": "invitation",
    "Your account will be deleted": "deletion_planned",
}
LINK = re.compile(r"http://localhost:8080/[a-z-]+#token=(gpt_[A-Za-z0-9_-]+)")

# On a line of its own.
CODE = re.compile(r"^ +([0-9]{6})\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Mail:
    """One mail: its kind by its subject, to whom, and its text."""

    kind: str
    address: str
    text: str

    @property
    def tokens(self) -> list[str]:
        """The tokens of its links; they are in the fragment, which no server sees."""
        return [str(token) for token in LINK.findall(self.text)]

    @property
    def token(self) -> str:
        """The token of its one link."""
        assert len(self.tokens) == 1, self.text
        return self.tokens[0]

    @property
    def code(self) -> str:
        """The code in it."""
        codes = CODE.findall(self.text)
        assert len(codes) == 1, self.text
        return str(codes[0])


async def take_mails(services: Services) -> list[Mail]:
    """Send what is due, and return and remove all that was sent, in the order of sending."""
    await services.flows.outbox.run_once()
    files = sorted((services.settings.data_dir / "mail").glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
    mails = [_read(file.read_bytes()) for file in files]
    for file in files:
        file.unlink()
    return mails


async def take_link(services: Services, kind: str) -> str:
    """Return the token of the link in the one mail of this kind, among others."""
    mails = [mail for mail in await take_mails(services) if mail.kind == kind]
    assert len(mails) == 1, [mail.kind for mail in mails]
    return mails[0].token


def _read(content: bytes) -> Mail:
    message = email.message_from_bytes(content, policy=email.policy.default)
    subject = str(message["Subject"])
    body = message.get_body(("plain",))
    assert body is not None
    kind = next((kind for start, kind in SUBJECTS.items() if subject.startswith(start)), subject)
    return Mail(kind, str(message["To"]), body.get_content())


async def link_of(tx: Transaction, person: Person, *, now: datetime) -> str:
    """Return the token of a new link to set somebody's password, good for a day; no mail has it."""
    tokens = OneTimeTokens(tx)
    asked = await tokens.ask(Purpose.SET_PASSWORD, user_id=person.id, email_canonical=person.email, now=now)
    renewed = await tokens.renew(asked, now=now, life=timedelta(days=1))
    assert renewed is not None
    return renewed[0]


async def report_and_reset(api: Api, services: Services, token: str, *, password: str) -> None:
    """Say with the link of a mail that it was not oneself, and set a new password by the mail that comes."""
    reported = await api.post("/api/auth/not-me", json={"token": token})
    assert reported.status_code == 200, reported.text
    link = await take_link(services, "reset_password")
    answer = await api.post("/api/auth/password/reset", json={"token": link, "password": password})
    assert answer.status_code == 200, answer.text
