"""How far a person may act on others: as far as they reach themselves, and no further."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from gatepost.identity.accounts.models import Role, User
from gatepost.identity.accounts.roles import ALL_PERMISSIONS, RoleName


@dataclass(frozen=True, slots=True)
class Authority:
    """What somebody has, and may therefore pass on; roles are told apart by their ids, which nobody can change.

    Who has `*` may do everything. Anybody else reaches the roles that they hold themselves, and `user`. A role is
    more than its permissions: other services ask for it by name, so holding its permissions is not enough. And none
    of its permissions may be one that they lack.
    """

    role_ids: frozenset[int]
    permissions: frozenset[str]

    @classmethod
    def of(cls, user: User) -> Self:
        """Return the authority that an account has now."""
        return cls(frozenset(role.id for role in user.roles), frozenset(user.permissions))

    @property
    def is_unlimited(self) -> bool:
        """Whether they may do everything."""
        return ALL_PERMISSIONS in self.permissions

    def allows(self, permissions: Iterable[str]) -> bool:
        """Whether they have all these permissions themselves."""
        return self.is_unlimited or self.permissions.issuperset(permissions)

    def reaches(self, roles: Iterable[Role]) -> bool:
        """Whether they may give and take these roles, and touch who has them."""
        return all(
            self._holds(role) or (role.name == RoleName.USER and self.allows(role.permissions)) for role in roles
        )

    def governs(self, role: Role) -> bool:
        """Whether they may change a role itself; everybody has `user`, so that nobody's own reach is enough for it."""
        return self.is_unlimited or (role.name != RoleName.USER and self._holds(role))

    def _holds(self, role: Role) -> bool:
        return self.is_unlimited or (role.id in self.role_ids and self.allows(role.permissions))
