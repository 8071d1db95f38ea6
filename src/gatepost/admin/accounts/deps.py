"""Dependencies of the account administration routes."""

from typing import Annotated

from fastapi import Depends, Header, Query
from pydantic import Field

from gatepost.admin.accounts.lifecycle import AccountLifecycle
from gatepost.admin.accounts.pages import AccountReader
from gatepost.admin.accounts.preconditions import Caller, IfMatch
from gatepost.admin.accounts.search import FactorFilter, Filter, Search, Sort, Status
from gatepost.admin.accounts.service import AccountEditor
from gatepost.core.ids import LARGEST_ID
from gatepost.http.deps import RequestInfoDep, provided
from gatepost.identity.access.deps import CurrentUser, require_permission
from gatepost.identity.accounts.roles import Permission

LARGEST_PAGE = 1_000_000

AccountReaderDep = Annotated[AccountReader, Depends(provided(AccountReader))]
AccountEditorDep = Annotated[AccountEditor, Depends(provided(AccountEditor))]
AccountLifecycleDep = Annotated[AccountLifecycle, Depends(provided(AccountLifecycle))]

CanReadUsers = Depends(require_permission(Permission.USERS_READ))
CanWriteUsers = Depends(require_permission(Permission.USERS_WRITE))

PageQuery = Annotated[int, Query(ge=1, le=LARGEST_PAGE, examples=[1])]
SizeQuery = Annotated[int, Query(ge=1, le=100, examples=[20])]
SortQuery = Annotated[Sort, Query(description="A leading `-` sorts in descending order.", examples=["-createdAt"])]
AfterQuery = Annotated[
    str | None,
    Query(max_length=2048, description="The `next` of the previous page. `page` is then ignored.", examples=[None]),
]


async def _caller(user: CurrentUser, info: RequestInfoDep) -> Caller:
    return Caller(user, info)


async def _seen(
    if_match: Annotated[
        str | None,
        Header(max_length=1024, description="The ETag that you read. The answer is 412 if it has changed since."),
    ] = None,
) -> IfMatch:
    return IfMatch() if if_match is None else IfMatch(tags=tuple(tag.strip() for tag in if_match.split(",")))


async def _filter(
    search: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=320,
            description="Words of the user name or e-mail address, or their beginnings; all must match. Or a domain. "
            "Or an id, such as `302` or `#302`. Letter case, width and accents are ignored.",
            examples=["abbey"],
        ),
    ] = None,
    role: Annotated[
        str | None, Query(max_length=64, description="Only accounts with this role.", examples=["admin"])
    ] = None,
    status: Annotated[
        Status | None,
        Query(
            description="`deleting`: the owner has requested deletion, and it has not happened yet.",
            examples=["active"],
        ),
    ] = None,
    factor: Annotated[
        FactorFilter | None,
        Query(
            description="Only accounts with a second factor, with none, or with one of a kind. `provider`: only those "
            "that are linked with an account at another provider.",
            examples=["none"],
        ),
    ] = None,
    ids: Annotated[
        list[Annotated[int, Field(ge=1, le=LARGEST_ID)]] | None,
        Query(alias="id", max_length=100, description="Only these ids, up to 100: `id=1&id=2`.", examples=[[1, 2]]),
    ] = None,
) -> Filter:
    return Filter(None if search is None else Search.of(search), role, status, factor, tuple(ids or ()))


CallerDep = Annotated[Caller, Depends(_caller)]
IfMatchDep = Annotated[IfMatch, Depends(_seen)]
FilterDep = Annotated[Filter, Depends(_filter)]
