"""The authority of a person over others: it never exceeds their own roles and permissions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from gatepost.identity.accounts.models import Role, User
from gatepost.identity.accounts.roles import ALL_PERMISSIONS, RoleName


@dataclass(frozen=True, slots=True)
class Authority:
    """What somebody has, and may therefore grant. Roles are compared by id, which nobody can change.

    People with `*` may do everything. Others reach the roles that they hold themselves, and `user`. To have a role's
    permissions is not enough, because other services check roles by name; but they must have all its permissions too.
    """

    role_ids: frozenset[int]
    permissions: frozenset[str]

    @classmethod
    def of(cls, user: User) -> Self:
        """Return the current authority of an account."""
        return cls(frozenset(role.id for role in user.roles), frozenset(user.permissions))

    @property
    def is_unlimited(self) -> bool:
        """Whether they may do everything."""
        return ALL_PERMISSIONS in self.permissions

    def allows(self, permissions: Iterable[str]) -> bool:
        """Whether they have all these permissions themselves."""
        return self.is_unlimited or self.permissions.issuperset(permissions)

    def reaches(self, roles: Iterable[Role]) -> bool:
        """Whether they may grant and remove these roles, and change people who have them."""
        return all(
            self._holds(role) or (role.name == RoleName.USER and self.allows(role.permissions)) for role in roles
        )

    def governs(self, role: Role) -> bool:
        """Whether they may change a role itself. Everybody has `user`, so changing it requires `*`."""
        return self.is_unlimited or (role.name != RoleName.USER and self._holds(role))

    def _holds(self, role: Role) -> bool:
        return self.is_unlimited or (role.id in self.role_ids and self.allows(role.permissions))
