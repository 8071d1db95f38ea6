"""Whether the process lives."""

from fastapi import APIRouter
from pydantic import Field

from gatepost.http.schemas import Out

router = APIRouter(tags=["operations"])


class Alive(Out):
    """The process lives."""

    status: str = Field(examples=["alive"])


@router.get("/healthz", summary="Whether the process lives")
async def alive() -> Alive:
    """Asks nothing but the process itself: a reason to restart it when it fails."""
    return Alive(status="alive")
