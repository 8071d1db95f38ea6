"""Builds the services that prepare and render mails."""

from gatepost.admin.invitations.mails import InvitationMails
from gatepost.composition.identity import Identity
from gatepost.composition.platform import Platform
from gatepost.core.clock import Clock
from gatepost.core.settings import Settings
from gatepost.core.settings.mail import read_sender
from gatepost.flows.recovery.mails import RecoveryMails
from gatepost.flows.signup.mails import SignUpMails
from gatepost.identity.credentials.email_codes.mails import EmailCodeMails
from gatepost.identity.credentials.email_codes.method import MAILS
from gatepost.identity.links.mails import NOTICES
from gatepost.identity.mailing.links import LinkWriter
from gatepost.identity.mailing.notices import NoticeMails
from gatepost.identity.mailing.preparation import MailPreparation
from gatepost.mail.messages import Messages
from gatepost.mail.outbox import MailKind
from gatepost.mail.rendering import Templates


def build_messages(settings: Settings, clock: Clock) -> Messages:
    """Build the service that creates messages."""
    return Messages(build_templates(settings), clock, sender=read_sender(settings.mail_from))


def build_templates(settings: Settings) -> Templates:
    """Build the templates of mails, which call the service by the name in MAIL_FROM."""
    return Templates(
        settings.mail_templates,
        default_language=settings.default_language,
        product=read_sender(settings.mail_from).display_name or "Gatepost",
        palette=settings.palette,
    )


def build_preparation(platform: Platform, identity: Identity) -> MailPreparation:
    """Build the service that prepares the mails in the outbox; a new kind of mail needs a line here."""
    clock, policy = platform.clock, identity.policy
    links = LinkWriter(clock, public_url=platform.settings.base_url, policy=policy)
    notices, sign_ups = NoticeMails(links), SignUpMails(clock, links, policy=policy)
    recovery = RecoveryMails(links, sign_ups)
    codes = EmailCodeMails(clock, links, identity.email_codes, policy=policy)
    kinds = {
        MailKind.VERIFY_EMAIL: recovery.asked_for,
        MailKind.CONFIRM_NEW_EMAIL: recovery.asked_for,
        MailKind.RESET_PASSWORD: recovery.asked_for,
        MailKind.SET_PASSWORD: recovery.asked_for,
        MailKind.SIGN_UP_TAKEN: sign_ups.taken,
        MailKind.INVITATION: InvitationMails(clock, links, policy=policy).invitation,
        MailKind.DELETION_PLANNED: notices.deletion_planned,
        **dict.fromkeys(NOTICES, notices.happened),
        MailKind.FACTORS_RESET: notices.factors_reset,
        **dict.fromkeys(MAILS.values(), codes.code),
    }
    return MailPreparation(platform.database, clock, identity.mailboxes, kinds)
