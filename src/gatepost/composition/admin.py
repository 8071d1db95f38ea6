"""Builds the services for administration."""

from dataclasses import dataclass

from gatepost.admin.accounts.lifecycle import AccountLifecycle
from gatepost.admin.accounts.pages import AccountReader
from gatepost.admin.accounts.service import AccountEditor
from gatepost.admin.audit.reader import AuditReader
from gatepost.admin.factors.service import FactorReset
from gatepost.admin.identities.service import IdentityRemoval
from gatepost.admin.invitations.service import InvitationService
from gatepost.admin.keys.rotation import KeyRotation
from gatepost.admin.keys.timeline import KeyHistory
from gatepost.admin.roles.service import RoleEditor
from gatepost.admin.statistics.counter import StatisticsCounter
from gatepost.admin.statistics.overview import OverviewReader
from gatepost.composition.identity import Identity
from gatepost.composition.platform import Platform
from gatepost.identity.throttling.unlocking import Unlocker


@dataclass(frozen=True, slots=True)
class Admin:
    """The services of the administration's routes and commands."""

    account_reader: AccountReader
    account_editor: AccountEditor
    account_lifecycle: AccountLifecycle
    factor_reset: FactorReset
    identity_removal: IdentityRemoval
    role_editor: RoleEditor
    invitations: InvitationService
    key_rotation: KeyRotation
    key_history: KeyHistory
    audit_reader: AuditReader
    statistics_counter: StatisticsCounter
    overview: OverviewReader
    unlocker: Unlocker


def build_admin(platform: Platform, identity: Identity) -> Admin:
    """Build the services for administration."""
    clock, database = platform.clock, platform.database
    sessions, feed, policy, keys = identity.sessions, identity.revocations, identity.policy, identity.keys
    life = platform.settings.access_token_life
    return Admin(
        account_reader=AccountReader(database, clock, sessions),
        account_editor=AccountEditor(
            database,
            clock,
            platform.passwords,
            identity.accounts,
            feed,
            rules=identity.password_rules,
            policy=policy,
        ),
        account_lifecycle=AccountLifecycle(
            database, clock, feed, sessions=sessions, deletion=identity.deletion, policy=policy
        ),
        factor_reset=FactorReset(database, clock, sessions, identity.guesses, identity.factor_removal, policy=policy),
        identity_removal=IdentityRemoval(database, identity.identity_links, policy=policy),
        role_editor=RoleEditor(database, clock, feed),
        invitations=InvitationService(database, clock, identity.mailboxes, policy=policy),
        key_rotation=KeyRotation(database, clock, keys, access_token_life=life),
        key_history=KeyHistory(database, keys, access_token_life=life),
        audit_reader=AuditReader(database),
        statistics_counter=StatisticsCounter(database, clock, platform.leases),
        overview=OverviewReader(database, clock),
        unlocker=Unlocker(database, identity.guesses),
    )
