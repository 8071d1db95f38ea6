"""JSON of account administration. It contains no secrets: no password, no hash, no token."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gatepost.admin.accounts.lists import Account
from gatepost.admin.accounts.pages import AccountPage
from gatepost.admin.accounts.service import AccountChange, AccountDraft
from gatepost.admin.accounts.states import State, state_of
from gatepost.http.schemas import WHOLE, In, Out
from gatepost.identity.accounts.names import Name, parse_email, parse_wanted_name
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.accounts.schemas import EmailAddress, NewPassword, Username
from gatepost.identity.external.models import ExternalIdentity
from gatepost.identity.registration.service import username_of
from gatepost.mail.languages import Language

MOST_ROLES = 16
ROLE_NAME = r"^[a-z][a-z0-9_-]{0,63}$"
# Clients show roles as ROLE_ and the name in capitals, so `role_admin` could be mistaken for `admin`.
LABELS = ("role_", "role-")


def can_be_role_name(name: str) -> bool:
    """Whether a role may have this name: clients must not mistake it for another role."""
    return re.fullmatch(ROLE_NAME, name) is not None and not name.startswith(LABELS)


def _is_role_name(name: str) -> str:
    if re.fullmatch(ROLE_NAME, name) is None:
        raise PydanticCustomError(
            "role_name_invalid",
            "A role name must have 1 to 64 characters: a-z, 0-9, _ and -. It must start with a letter",
        )
    return name


# The pattern is for the OpenAPI document; the error message comes from the code.
RoleNameText = Annotated[
    str, Field(max_length=64, json_schema_extra={"pattern": ROLE_NAME}), AfterValidator(_is_role_name)
]
RoleNames = Annotated[list[RoleNameText], Field(max_length=MOST_ROLES)]
Version = Annotated[
    int,
    Field(
        ge=1, le=2**53 - 1, description="The version that you read. The answer is 412 if the account has changed since."
    ),
    WHOLE,
]


class IdentityOfUser(Out):
    """An account at another provider that opens this one."""

    id: int = Field(examples=[1])
    provider: str = Field(description="Its name in the settings.", examples=["google"])
    email: str | None = Field(description="What the provider has told last.", examples=["heba@gmail.com"])
    created_at: datetime = Field(description="When it was linked.", examples=["2026-01-31T12:00:00Z"])
    last_used_at: datetime | None = Field(examples=["2026-01-31T12:00:00Z"])

    @classmethod
    def of(cls, identity: ExternalIdentity) -> Self:
        """Show an identity."""
        return cls(**{name: getattr(identity, name) for name in cls.model_fields})


class UserResponse(Out):
    """An account, as administrators see it."""

    id: int = Field(examples=[1])
    username: str = Field(examples=["Abbey Salami"])
    email: str = Field(examples=["heba@gmail.com"])
    email_verified: bool = Field(examples=[True])
    language: str = Field(description="The language of mails.", examples=["en"])
    roles: list[str] = Field(description="The names of the roles.", examples=[["user"]])
    permissions: list[str] = Field(
        description="The permissions of the roles. `*` means all permissions.", examples=[[]]
    )
    status: State = Field(
        description="`deleting`: the owner has requested deletion, which happens at `eraseAt`.", examples=["active"]
    )
    has_password: bool = Field(
        description="False if the owner signs in without one, or has not chosen a password yet.", examples=[True]
    )
    factors: list[str] = Field(
        description="The factors with which the owner can authenticate besides a password: `passkey` (passkeys), "
        "`totp` (an authenticator app), `recovery_code` (unused recovery codes).",
        examples=[["passkey", "totp", "recovery_code"]],
    )
    identities: list[IdentityOfUser] = Field(description="The accounts at other providers that open this one.")
    disabled_at: datetime | None = Field(examples=[None])
    erase_at: datetime | None = Field(examples=[None])
    created_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    updated_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    last_sign_in_at: datetime | None = Field(
        description="Accurate to about a minute. Null if never.", examples=["2026-02-01T08:30:00Z"]
    )
    version: int = Field(description="Increases with each change; the ETag changes with it.", examples=[1])

    @classmethod
    def of(cls, account: Account) -> Self:
        """Show an account."""
        user = account.user
        return cls(
            id=user.id,
            username=user.username,
            email=user.email,
            email_verified=user.email_verified_at is not None,
            language=user.language,
            roles=list(user.role_names),
            permissions=list(user.permissions),
            status=state_of(user),
            has_password=user.has_password,
            factors=[method.value for method in account.factors],
            identities=list(map(IdentityOfUser.of, account.identities)),
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
        description="How many accounts match. Null with `after`, where nothing is counted.", examples=[1]
    )
    total_is_exact: bool = Field(description="False if there may be more than `total`.", examples=[True])
    page: int | None = Field(description="Null with `after`.", examples=[1])
    size: int = Field(examples=[20])
    pages: int | None = Field(description="Null with `after`.", examples=[1])
    next: str | None = Field(
        description="Send this as `after` to get the next page. Null on the last page.", examples=["WyJpZCIsMjAsMjBd"]
    )

    @classmethod
    def of(cls, page: AccountPage) -> Self:
        """Show a page."""
        return cls(
            items=[UserResponse.of(account) for account in page.items],
            total=page.total.count if page.total else None,
            total_is_exact=page.total.is_exact if page.total else False,
            page=page.number,
            size=page.size,
            pages=page.pages,
            next=page.next_cursor,
        )


class NewUserRequest(In):
    """An account for somebody else. Without a password, its owner gets a mail to choose one."""

    username: Username = Field(examples=["Abbey Salami"])
    email: EmailAddress = Field(examples=["heba@gmail.com"])
    password: NewPassword | None = Field(default=None, repr=False, examples=[None])
    roles: RoleNames | None = Field(default=None, description="Default: only `user`.", examples=[["user"]])
    email_verified: bool | None = Field(
        default=None, description="Whether the address is known to belong to the owner.", examples=[False]
    )
    language: Language | None = Field(default=None, description="The language of mails.", examples=["en"])

    def draft(self) -> AccountDraft:
        """Return the draft, with the names in both forms.

        Raises:
            UsernameInvalid: the user name is an e-mail address, but not the one in `email`.
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
    """The fields to change. Fields that are left out stay as they are."""

    version: Version | None = Field(default=None, examples=[1])
    username: Username | None = Field(default=None, examples=["Abbey Salami"])
    email: EmailAddress | None = Field(default=None, examples=["heba@gmail.com"])
    email_verified: bool | None = Field(default=None, examples=[True])
    language: Language | None = Field(default=None, examples=["en"])

    def change(self) -> AccountChange:
        """Return the change, with the names in both forms."""
        return AccountChange(
            username=_parsed(parse_wanted_name, self.username),
            email=_parsed(parse_email, self.email),
            is_verified=self.email_verified,
            language=self.language,
        )


class UserRolesRequest(In):
    """All roles of the account."""

    version: Version | None = Field(default=None, examples=[1])
    roles: RoleNames = Field(examples=[["user", "moderator"]])


def _parsed(parse: Callable[[str], Name], text: str | None) -> Name | None:
    return None if text is None else parse(text)
