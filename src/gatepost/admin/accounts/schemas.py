"""JSON of looking after accounts and roles. No secret is among it: not a password, nor its hash, nor a token."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gatepost.admin.accounts.pages import AccountPage
from gatepost.admin.accounts.preconditions import tag_of_role
from gatepost.admin.accounts.service import AccountChange, AccountDraft
from gatepost.admin.accounts.states import State, state_of
from gatepost.admin.roles.service import RoleChange, RoleDraft, is_built_in
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.http.schemas import WHOLE, In, Out
from gatepost.identity.accounts.models import Role, User
from gatepost.identity.accounts.names import Name, parse_email, parse_wanted_name
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.accounts.schemas import EmailAddress, NewPassword, Username
from gatepost.identity.registration.service import username_of

MOST_ROLES = 16
MOST_PERMISSIONS = 32
ROLE_NAME = r"^[a-z][a-z0-9_-]{0,63}$"
# Clients write ROLE_ before a name in capitals, so that `role_admin` could be taken for `admin`.
LABELS = ("role_", "role-")
PERMISSION = r"^[a-z0-9_-]+(:[a-z0-9_-]+)*$"


def can_be_role_name(name: str) -> bool:
    """Whether a role may be called so: in no spelling of clients it reads like a role of another name."""
    return re.fullmatch(ROLE_NAME, name) is not None and not name.startswith(LABELS)


def _is_role_name(name: str) -> str:
    if re.fullmatch(ROLE_NAME, name) is None:
        raise PydanticCustomError(
            "role_name_invalid", "A role's name has up to 64 of a-z, 0-9, _ and -, and begins with a letter"
        )
    return name


def _is_unlabelled(name: str) -> str:
    if not can_be_role_name(name):
        raise PydanticCustomError("role_name_invalid", "A role's name does not begin with role_ or role-")
    return name


def _is_permission(name: str) -> str:
    if re.fullmatch(PERMISSION, name) is None:
        raise PydanticCustomError(
            "permission_invalid", "A permission has words of a-z, 0-9, _ and - with colons between, as orders:read"
        )
    return name


# The pattern is for the OpenAPI document; the refusal is worded by the code.
RoleNameText = Annotated[
    str, Field(max_length=64, json_schema_extra={"pattern": ROLE_NAME}), AfterValidator(_is_role_name)
]
PermissionText = Annotated[
    str, Field(max_length=64, json_schema_extra={"pattern": PERMISSION}), AfterValidator(_is_permission)
]
NewRoleName = Annotated[RoleNameText, AfterValidator(_is_unlabelled)]
RoleNames = Annotated[list[RoleNameText], Field(max_length=MOST_ROLES)]
Permissions = Annotated[list[PermissionText], Field(max_length=MOST_PERMISSIONS)]
Description = Annotated[str, Field(max_length=255)]
Version = Annotated[
    int, Field(ge=1, le=2**53 - 1, description="The version that was read; 412 if it is another by now."), WHOLE
]
Language = Literal["en", "de"]


class UserResponse(Out):
    """An account, as whoever looks after it sees it."""

    id: int = Field(examples=[1])
    username: str = Field(examples=["Abbey Salami"])
    email: str = Field(examples=["heba@gmail.com"])
    email_verified: bool = Field(examples=[True])
    language: str = Field(description="Of mails.", examples=["en"])
    roles: list[str] = Field(description="The names, as they are given.", examples=[["user"]])
    permissions: list[str] = Field(description="What the roles allow; `*` is all.", examples=[[]])
    status: State = Field(description="`deleting`: the owner wants it deleted, at `eraseAt`.", examples=["active"])
    has_password: bool = Field(description="False until the link of the first mail is used.", examples=[True])
    disabled_at: datetime | None = Field(examples=[None])
    erase_at: datetime | None = Field(examples=[None])
    created_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    updated_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    last_sign_in_at: datetime | None = Field(
        description="To the minute or so. Null: never.", examples=["2026-02-01T08:30:00Z"]
    )
    version: int = Field(description="Counts the changes; the ETag says the same.", examples=[1])

    @classmethod
    def of(cls, user: User) -> Self:
        """Show an account."""
        return cls(
            id=user.id,
            username=user.username,
            email=user.email,
            email_verified=user.email_verified_at is not None,
            language=user.language,
            roles=list(user.role_names),
            permissions=list(user.permissions),
            status=state_of(user),
            has_password=user.password_hash != UNUSABLE_HASH,
            disabled_at=user.disabled_at,
            erase_at=user.erase_at,
            created_at=user.created_at,
            updated_at=user.updated_at,
            last_sign_in_at=user.last_sign_in_at,
            version=user.version,
        )


class UserPageResponse(Out):
    """A page of accounts."""

    items: list[UserResponse]
    total: int | None = Field(
        description="How many fit; null where `after` was given, since nothing is counted then.", examples=[1]
    )
    total_is_exact: bool = Field(description="False: there are more than `total`.", examples=[True])
    page: int | None = Field(description="Null where `after` was given.", examples=[1])
    size: int = Field(examples=[20])
    pages: int | None = Field(description="Null where `after` was given.", examples=[1])
    next: str | None = Field(
        description="Ask with it as `after` for what follows; null at the end.", examples=["WyJpZCIsMjAsMjBd"]
    )

    @classmethod
    def of(cls, page: AccountPage) -> Self:
        """Show a page."""
        return cls(
            items=[UserResponse.of(user) for user in page.items],
            total=page.total.count if page.total else None,
            total_is_exact=page.total.is_exact if page.total else False,
            page=page.number,
            size=page.size,
            pages=page.pages,
            next=page.next_cursor,
        )


class NewUserRequest(In):
    """An account for somebody else; without a password, a mail asks its owner to choose one."""

    username: Username = Field(examples=["Abbey Salami"])
    email: EmailAddress = Field(examples=["heba@gmail.com"])
    password: NewPassword | None = Field(default=None, repr=False, examples=[None])
    roles: RoleNames | None = Field(default=None, description="By default `user` alone.", examples=[["user"]])
    email_verified: bool | None = Field(
        default=None, description="The address is known to be theirs.", examples=[False]
    )
    language: Language | None = Field(default=None, description="Of mails.", examples=["en"])

    def draft(self) -> AccountDraft:
        """Return it with its names in both forms.

        Raises:
            UsernameInvalid: the user name is another address than the one beside it.
        """
        email = parse_email(self.email)
        return AccountDraft(
            username=username_of(parse_wanted_name(self.username), email=email),
            email=email,
            password=self.password,
            roles=(RoleName.USER,) if self.roles is None else tuple(dict.fromkeys(self.roles)),
            is_verified=bool(self.email_verified),
            language=self.language,
        )


class UserChangeRequest(In):
    """What is to change; what is left out stays."""

    version: Version | None = Field(default=None, examples=[1])
    username: Username | None = Field(default=None, examples=["Abbey Salami"])
    email: EmailAddress | None = Field(default=None, examples=["heba@gmail.com"])
    email_verified: bool | None = Field(default=None, examples=[True])
    language: Language | None = Field(default=None, examples=["en"])

    def change(self) -> AccountChange:
        """Return it with its names in both forms."""
        return AccountChange(
            username=_parsed(parse_wanted_name, self.username),
            email=_parsed(parse_email, self.email),
            is_verified=self.email_verified,
            language=self.language,
        )


class UserRolesRequest(In):
    """All roles that the account is to have."""

    version: Version | None = Field(default=None, examples=[1])
    roles: RoleNames = Field(examples=[["user", "moderator"]])


class RoleResponse(Out):
    """A role."""

    id: int = Field(examples=[4])
    name: str = Field(examples=["support"])
    description: str = Field(examples=["Answers customers."])
    permissions: list[str] = Field(description="`*` is all.", examples=[["orders:refund", "users:read"]])
    etag: str = Field(description="Goes into If-Match of a change.", examples=['"5f3a9c0e5f3a9c0e"'])
    is_built_in: bool = Field(description="It keeps its name and cannot be deleted.", examples=[False])

    @classmethod
    def of(cls, role: Role) -> Self:
        """Show a role."""
        return cls(
            id=role.id,
            name=role.name,
            description=role.description,
            permissions=list(role.permissions),
            etag=tag_of_role(role),
            is_built_in=is_built_in(role),
        )


class NewRoleRequest(In):
    """A role of one's own."""

    name: NewRoleName = Field(examples=["support"])
    description: Description | None = Field(default=None, examples=["Answers customers."])
    permissions: Permissions | None = Field(
        default=None,
        description="Ours (`users:read`, `users:write`, `roles:write`, `audit:read`, `keys:read`), or your own.",
        examples=[["orders:refund", "users:read"]],
    )

    def draft(self) -> RoleDraft:
        """Return it with each permission once."""
        return RoleDraft(self.name, self.description or "", tuple(sorted(set(self.permissions or ()))))


class RoleChangeRequest(In):
    """What is to change; what is left out stays."""

    name: NewRoleName | None = Field(default=None, examples=["support"])
    description: Description | None = Field(default=None, examples=["Answers customers."])
    permissions: Permissions | None = Field(default=None, examples=[["users:read"]])

    def change(self) -> RoleChange:
        """Return it with each permission once."""
        permissions = None if self.permissions is None else tuple(sorted(set(self.permissions)))
        return RoleChange(self.name, self.description, permissions)


def _parsed(parse: Callable[[str], Name], text: str | None) -> Name | None:
    return None if text is None else parse(text)
