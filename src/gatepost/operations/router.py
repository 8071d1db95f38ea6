"""What operations watch, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from gatepost.http.deps import provided
from gatepost.mail.worker import OutboxWorker
from gatepost.operations.metrics import exposition

router = APIRouter(tags=["operations"])

OutboxDep = Annotated[OutboxWorker, Depends(provided(OutboxWorker))]


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": "gatepost_outbox_failed 0.0"}}}},
)
async def metrics(outbox: OutboxDep) -> Response:
    """The outbox: mails that wait, mails that were given up, and how long the oldest has waited."""
    return Response(exposition(await outbox.counts(), now=outbox.now()), media_type=CONTENT_TYPE_LATEST)
