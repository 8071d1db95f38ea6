"""The roles and permissions that every deployment has."""

from enum import StrEnum


class RoleName(StrEnum):
    """The roles that every deployment has."""

    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"


# The permission of the role admin.
ALL_PERMISSIONS = "*"


class Permission(StrEnum):
    """The permissions that our routes require; a deployment may define its own in addition."""

    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    ROLES_WRITE = "roles:write"
    AUDIT_READ = "audit:read"
    KEYS_READ = "keys:read"
    FACTORS_RESET = "factors:reset"
