"""The roles and the permissions that every deployment has."""

from enum import StrEnum


class RoleName(StrEnum):
    """The roles that every deployment has."""

    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"


# What the role admin has.
ALL_PERMISSIONS = "*"


class Permission(StrEnum):
    """The permissions that routes of ours ask for; a deployment adds words of its own to its roles."""

    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    ROLES_WRITE = "roles:write"
    AUDIT_READ = "audit:read"
    KEYS_READ = "keys:read"
    FACTORS_RESET = "factors:reset"
