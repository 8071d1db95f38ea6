"""Builds the engines for identities: keys, tokens, sessions, accounts, credentials and throttling."""

from dataclasses import dataclass
from datetime import timedelta

from gatepost.composition.platform import Platform
from gatepost.core.settings import Settings
from gatepost.identity.access.gate import Gate
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.assurance.decision import Decision
from gatepost.identity.assurance.opening import SessionOpening
from gatepost.identity.assurance.pending import SignInContinuation
from gatepost.identity.assurance.second_factors import SecondFactors
from gatepost.identity.assurance.service import SignInService
from gatepost.identity.credentials.email_codes.method import EmailCodeMethod
from gatepost.identity.credentials.enrolment import FactorEnrolment
from gatepost.identity.credentials.external.linking import IdentityLinks
from gatepost.identity.credentials.external.method import ProviderMethod
from gatepost.identity.credentials.hash_survey import HashSurvey
from gatepost.identity.credentials.ownership import Ownership
from gatepost.identity.credentials.passkeys.method import PasskeyMethod
from gatepost.identity.credentials.passkeys.relying_party import usable
from gatepost.identity.credentials.passkeys.signing_in import PasskeySignIn
from gatepost.identity.credentials.password import PasswordMethod
from gatepost.identity.credentials.password_rules import PasswordRules
from gatepost.identity.credentials.reauthentication import Reauthentication
from gatepost.identity.credentials.recovery_codes.method import RecoveryCodeMethod
from gatepost.identity.credentials.totp.method import TotpMethod
from gatepost.identity.credentials.ways_in import WaysIn
from gatepost.identity.external.states import States
from gatepost.identity.factors.removal import FactorRemoval
from gatepost.identity.factors.renewal import SealRenewal, SealSurvey
from gatepost.identity.keys.ring import KeyRing
from gatepost.identity.keys.vault import KeyVault
from gatepost.identity.privacy.deletion import DeletionService
from gatepost.identity.providers.building import build_providers
from gatepost.identity.providers.registry import Providers
from gatepost.identity.registration.pending import PendingSignUps
from gatepost.identity.registration.service import AccountService
from gatepost.identity.sessions.activity import SessionActivity
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.sessions.tokens import SessionRules, TokenService
from gatepost.identity.throttling.counters import GuessRules
from gatepost.identity.throttling.guesses import Guesses
from gatepost.identity.throttling.mailboxes import Mailboxes
from gatepost.identity.throttling.rates import RateLimits
from gatepost.identity.tokens.access_tokens import AccessTokens
from gatepost.identity.tokens.refresh_tokens import RefreshTokens
from gatepost.identity.tokens.verifier import AccessTokenVerifier


@dataclass(frozen=True, slots=True)
class Identity:
    """The engines that flows and administration work with."""

    policy: AccountPolicy
    password_rules: PasswordRules
    keys: KeyRing
    verifier: AccessTokenVerifier
    revocations: RevocationFeed
    activity: SessionActivity
    tokens: TokenService
    sessions: SessionService
    gate: Gate
    rate_limits: RateLimits
    mailboxes: Mailboxes
    guesses: Guesses
    password: PasswordMethod
    passkeys: PasskeyMethod
    passkey_sign_in: PasskeySignIn
    email_codes: EmailCodeMethod
    totp: TotpMethod
    recovery_codes: RecoveryCodeMethod
    factor_removal: FactorRemoval
    enrolment: FactorEnrolment
    seal_renewal: SealRenewal
    seal_survey: SealSurvey
    opening: SessionOpening
    sign_in: SignInService
    sign_in_continuation: SignInContinuation
    reauthentication: Reauthentication
    hash_survey: HashSurvey
    accounts: AccountService
    pending_sign_ups: PendingSignUps
    deletion: DeletionService
    ownership: Ownership
    providers: Providers
    provider_states: States
    provider_method: ProviderMethod
    identity_links: IdentityLinks
    ways_in: WaysIn


def build_identity(platform: Platform) -> Identity:
    """Build the engines."""
    settings, clock, database, passwords = (
        platform.settings, platform.clock, platform.database, platform.passwords,
    )  # fmt: skip
    policy = AccountPolicy.of(settings)
    rules = PasswordRules(shortest=settings.shortest_password, refuses_common=settings.refuses_common_passwords)
    keys = KeyRing(
        database,
        clock,
        KeyVault(settings.keys),
        algorithm=settings.jwt_algorithm,
        secret=settings.jwt_secret.get_secret_value() if settings.jwt_secret else None,
    )
    verifier = AccessTokenVerifier(
        lambda: keys.verifying, clock, issuer=settings.public_url, audience=settings.jwt_audience
    )
    feed = RevocationFeed(
        database,
        clock,
        access_token_life=settings.access_token_life,
        max_staleness=timedelta(seconds=settings.revocation_max_staleness_seconds),
    )
    activity, refresh, rate_limits = SessionActivity(database), RefreshTokens(settings.keys), RateLimits.of(settings)
    sessions = SessionService(database, clock, access=verifier, refresh=refresh, feed=feed)
    guesses = Guesses(clock, settings.keys, rules=GuessRules.of(settings))
    decision = Decision(database, clock, guesses, policy=policy)
    tokens = TokenService(
        database,
        clock,
        access=AccessTokens(
            keys, issuer=settings.public_url, audience=settings.jwt_audience, life=settings.access_token_life
        ),
        refresh=refresh,
        feed=feed,
        activity=activity,
        rules=_session_rules(settings),
        decide=decision.renew,
    )
    opening = SessionOpening(database, clock, tokens, sessions, guesses, decision)
    totp, recovery_codes = TotpMethod(clock, settings.keys), RecoveryCodeMethod(clock, settings.keys)
    email_codes = EmailCodeMethod(clock, guesses, settings.keys, default_language=policy.default_language)
    passkeys = PasskeyMethod(clock, usable(settings), rp_name=settings.brand_name)
    second_factors = SecondFactors(clock, guesses, [passkeys, totp, recovery_codes])
    enrolment = FactorEnrolment(
        clock, sessions, totp, recovery_codes, passkeys, policy=policy, issuer=settings.brand_name
    )
    continuation = SignInContinuation(
        database, clock, guesses, decision, opening, second_factors, enrolment, trust_life=policy.trusted_device_life
    )
    providers = build_providers(settings, platform.outbound, clock)
    links, ways_in = IdentityLinks(clock, sessions, providers), WaysIn(passkeys, providers, policy=policy)
    factor_removal = FactorRemoval([passkeys, totp, recovery_codes, links])
    ownership = Ownership(clock, sessions, factor_removal, policy=policy)
    sealed = [totp.sealed, recovery_codes.sealed]
    accounts = AccountService(database, clock, passwords, feed, rules=rules, policy=policy)
    return Identity(
        policy=policy,
        password_rules=rules,
        keys=keys,
        verifier=verifier,
        revocations=feed,
        activity=activity,
        tokens=tokens,
        sessions=sessions,
        gate=Gate(verifier, feed, database, clock, activity=activity, mode=settings.revocation_mode),
        rate_limits=rate_limits,
        mailboxes=Mailboxes(rate_limits),
        guesses=guesses,
        password=PasswordMethod(
            database, clock, passwords, guesses, rate_limits, decision, trust_life=policy.trusted_device_life
        ),
        passkeys=passkeys,
        passkey_sign_in=PasskeySignIn(database, clock, rate_limits, passkeys, continuation),
        email_codes=email_codes,
        totp=totp,
        recovery_codes=recovery_codes,
        enrolment=enrolment,
        factor_removal=factor_removal,
        seal_renewal=SealRenewal(database, sealed),
        seal_survey=SealSurvey(database, sealed),
        opening=opening,
        sign_in=SignInService(decision, opening, continuation),
        sign_in_continuation=continuation,
        reauthentication=Reauthentication(
            database, clock, passwords, guesses, rate_limits, second_factors, passkeys, email_codes, tokens, ways_in
        ),
        hash_survey=HashSurvey(database, passwords),
        accounts=accounts,
        pending_sign_ups=PendingSignUps(database, clock, accounts, passwords, guesses, policy=policy),
        deletion=DeletionService(database, clock, sessions, feed, policy=policy),
        ownership=ownership,
        providers=providers,
        provider_states=States(settings.keys),
        provider_method=ProviderMethod(database, clock, rate_limits, decision, trust_life=policy.trusted_device_life),
        identity_links=links,
        ways_in=ways_in,
    )


def _session_rules(settings: Settings) -> SessionRules:
    return SessionRules(
        idle_life=settings.session_idle_life,
        max_life=settings.session_max_life,
        reuse_grace=settings.refresh_reuse_grace,
        rotation=settings.refresh_token_rotation,
    )
