"""Builds the services for the use cases of people and clients, and for their mails."""

from dataclasses import dataclass

from gatepost.composition.identity import Identity
from gatepost.composition.mail import build_messages, build_preparation
from gatepost.composition.platform import Platform
from gatepost.flows.factors.identities.service import IdentityService
from gatepost.flows.factors.passkeys.service import PasskeyService
from gatepost.flows.factors.service import FactorService
from gatepost.flows.factors.trusted_devices import TrustedDeviceService
from gatepost.flows.oauth.introspection import TokenIntrospection
from gatepost.flows.oauth.service import ClientService
from gatepost.flows.profile.service import ProfileService
from gatepost.flows.recovery.addresses import AddressService
from gatepost.flows.recovery.compromise import CompromiseReports
from gatepost.flows.recovery.owners import Owners
from gatepost.flows.recovery.passwords import PasswordService
from gatepost.flows.signin.email_codes.service import EmailCodeSignIn
from gatepost.flows.signin.providers.accounts import IdentityAccounts
from gatepost.flows.signin.providers.callback import ProviderCallback
from gatepost.flows.signin.providers.signing_in import ProviderSignIn
from gatepost.flows.signin.providers.starting import AuthorizationStart
from gatepost.flows.signup.passkeys import PasskeySignUp
from gatepost.flows.signup.service import SignUpService
from gatepost.mail.transports import transport_of
from gatepost.mail.worker import OutboxWorker


@dataclass(frozen=True, slots=True)
class Flows:
    """The services of the flows, each for one or several use cases."""

    sign_up: SignUpService
    passkey_sign_up: PasskeySignUp
    email_code_sign_in: EmailCodeSignIn
    profile: ProfileService
    factors: FactorService
    trusted_devices: TrustedDeviceService
    passkeys: PasskeyService
    identities: IdentityService
    authorization_start: AuthorizationStart
    provider_sign_in: ProviderSignIn
    provider_callback: ProviderCallback
    password_recovery: PasswordService
    addresses: AddressService
    compromise_reports: CompromiseReports
    clients: ClientService
    introspection: TokenIntrospection
    outbox: OutboxWorker


def build_flows(platform: Platform, identity: Identity) -> Flows:
    """Build the flows."""
    settings, clock, database, passwords = (
        platform.settings, platform.clock, platform.database, platform.passwords,
    )  # fmt: skip
    sessions, feed, policy, rules = identity.sessions, identity.revocations, identity.policy, identity.password_rules
    owners = Owners(database, clock, identity.guesses, identity.password, identity.passkey_sign_in)
    passkey_sign_up = PasskeySignUp(database, clock, identity.passkeys, policy=policy)
    provider_sign_in = _provider_sign_in(platform, identity)
    return Flows(
        sign_up=SignUpService(
            database,
            clock,
            passwords,
            identity.opening,
            identity.sign_in_continuation,
            identity.accounts,
            identity.pending_sign_ups,
            passkey_sign_up,
            identity.recovery_codes,
            rules=rules,
            policy=policy,
        ),
        passkey_sign_up=passkey_sign_up,
        email_code_sign_in=EmailCodeSignIn(
            database,
            clock,
            identity.rate_limits,
            identity.email_codes,
            identity.accounts,
            identity.ownership,
            policy=policy,
        ),
        profile=ProfileService(database, clock, feed),
        factors=FactorService(
            database,
            clock,
            identity.guesses,
            identity.totp,
            identity.recovery_codes,
            identity.enrolment,
        ),
        trusted_devices=TrustedDeviceService(database, clock, sessions, trust_life=policy.trusted_device_life),
        passkeys=PasskeyService(database, clock, sessions, identity.passkeys, identity.enrolment, identity.ways_in),
        identities=IdentityService(database, clock, identity.providers, identity.identity_links, identity.ways_in),
        authorization_start=AuthorizationStart(
            database,
            clock,
            identity.providers,
            identity.provider_states,
            identity.reauthentication,
            identity.enrolment,
            policy=policy,
            base_url=settings.base_url,
            origins=settings.trusted_origins,
        ),
        provider_sign_in=provider_sign_in,
        provider_callback=ProviderCallback(
            database,
            clock,
            identity.providers,
            identity.provider_states,
            provider_sign_in,
            identity.identity_links,
            identity.reauthentication,
            base_url=settings.base_url,
        ),
        password_recovery=PasswordService(
            database,
            clock,
            passwords,
            sessions,
            identity.reauthentication,
            identity.ownership,
            rules=rules,
            policy=policy,
        ),
        addresses=AddressService(
            database,
            clock,
            identity.reauthentication,
            identity.pending_sign_ups,
            feed,
            owners,
            identity.ownership,
            policy=policy,
        ),
        compromise_reports=CompromiseReports(
            database,
            clock,
            sessions,
            feed,
            identity.guesses,
            identity.totp,
            identity.recovery_codes,
            identity.ownership,
            identity.identity_links,
        ),
        clients=ClientService(database, clock),
        introspection=TokenIntrospection(identity.gate, identity.verifier, sessions),
        outbox=OutboxWorker(
            database,
            clock,
            transport_of(settings),
            build_messages(settings, clock),
            build_preparation(platform, identity),
            attempts=settings.mail_attempts,
        ),
    )


def _provider_sign_in(platform: Platform, identity: Identity) -> ProviderSignIn:
    clock, database = platform.clock, platform.database
    return ProviderSignIn(
        database,
        clock,
        identity.providers,
        IdentityAccounts(
            database, clock, identity.accounts, identity.identity_links, identity.ownership, policy=identity.policy
        ),
        identity.provider_method,
        identity.sign_in,
        identity.email_codes,
    )
