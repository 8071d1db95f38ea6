"""What this is, and whether the process lives."""

from fastapi import APIRouter
from pydantic import Field

from gatepost import __version__
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
