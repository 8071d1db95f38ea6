"""The liveness check."""

from fastapi import APIRouter
from pydantic import Field

from gatepost.http.schemas import Out

router = APIRouter(tags=["operations"])


class Alive(Out):
    """The process is alive."""

    status: str = Field(examples=["alive"])


@router.get("/healthz", summary="Liveness check")
async def alive() -> Alive:
    """Checks only the process itself. If it fails, restart the process."""
    return Alive(status="alive")
