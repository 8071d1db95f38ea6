"""How far a person may act on others: as far as they reach themselves, and no further."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from gatepost.access.principal import ALL_PERMISSIONS, Principal, RoleName
from gatepost.accounts.models import Role, User


@dataclass(frozen=True, slots=True)
class Authority:
    """What somebody has, and may therefore pass on.

    Who has `*` may do everything. Anybody else reaches the roles that they hold themselves, and `user`. A role is
    more than its permissions: other services ask for it by name, so holding its permissions is not enough. And none
    of its permissions may be one that they lack.
    """

    roles: frozenset[str]
    permissions: frozenset[str]

    @classmethod
    def of(cls, user: User) -> Self:
        """Return the authority that an account has now."""
        return cls(frozenset(user.role_names), frozenset(user.permissions))

    @classmethod
    def of_token(cls, principal: Principal) -> Self:
        """Return the authority that an access token speaks of."""
        return cls(frozenset(principal.roles), frozenset(principal.permissions))

    def allows(self, permissions: Iterable[str]) -> bool:
        """Whether they have all these permissions themselves."""
        return ALL_PERMISSIONS in self.permissions or self.permissions.issuperset(permissions)

    def reaches(self, roles: Iterable[Role]) -> bool:
        """Whether they may give and take these roles, and touch who has them."""
        return all(self._reaches(role) for role in roles)

    def _reaches(self, role: Role) -> bool:
        if ALL_PERMISSIONS in self.permissions:
            return True
        return (role.name in self.roles or role.name == RoleName.USER) and self.allows(role.permissions)
