"""What operations ask: whether the process lives, and whether it can serve."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import text

from gatepost import __version__
from gatepost.core.database import Database, DatabaseUnavailable
from gatepost.http.deps import provided
from gatepost.http.openapi import problems
from gatepost.http.schemas import Out

router = APIRouter(tags=["operations"])


class Alive(Out):
    """The process lives."""

    status: str = Field(examples=["alive"])


class Welcome(Out):
    """What this is and where to read on."""

    message: str = Field(examples=["Welcome to Gatepost."])
    version: str = Field(examples=[__version__])
    docs: str = Field(examples=["/docs"])
    openapi: str = Field(examples=["/openapi.json"])


@router.get("/", summary="What this is")
async def welcome() -> Welcome:
    """Where to read on."""
    return Welcome(message="Welcome to Gatepost.", version=__version__, docs="/docs", openapi="/openapi.json")


@router.get("/healthz", summary="Whether the process lives")
async def alive() -> Alive:
    """Asks nothing but the process itself: a reason to restart it when it fails."""
    return Alive(status="alive")


@router.get("/readyz", summary="Whether it can serve", responses=problems(DatabaseUnavailable))
async def ready(database: Annotated[Database, Depends(provided(Database))]) -> Alive:
    """Asks the database: a reason to send requests elsewhere while it fails."""
    async with database.read() as tx:
        await tx.execute(text("SELECT 1"))
    return Alive(status="ready")
