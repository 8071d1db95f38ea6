"""What operations watch, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from gatepost.core.database import Database, DatabaseUnavailable
from gatepost.http.deps import provided
from gatepost.http.draining import Drain, Stopping
from gatepost.http.health import Alive
from gatepost.http.openapi import problems
from gatepost.mail.worker import OutboxWorker
from gatepost.operations.metrics import exposition
from gatepost.operations.readiness import SchemaOutdated, check_readiness
from gatepost.sessions.errors import RevocationUnknown
from gatepost.sessions.revocation import RevocationFeed

router = APIRouter(tags=["operations"])

DatabaseDep = Annotated[Database, Depends(provided(Database))]
FeedDep = Annotated[RevocationFeed, Depends(provided(RevocationFeed))]
DrainDep = Annotated[Drain, Depends(provided(Drain))]
OutboxDep = Annotated[OutboxWorker, Depends(provided(OutboxWorker))]


@router.get(
    "/readyz",
    summary="Whether it can serve",
    responses=problems(Stopping, DatabaseUnavailable, SchemaOutdated, RevocationUnknown),
)
async def ready(drain: DrainDep, database: DatabaseDep, feed: FeedDep) -> Alive:
    """Asks the database, its schema and the revocation feed: a reason to send requests elsewhere while one fails."""
    drain.require_serving()
    await check_readiness(database, feed)
    return Alive(status="ready")


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": "gatepost_outbox_failed 0.0"}}}},
)
async def metrics(outbox: OutboxDep) -> Response:
    """The outbox: mails that wait, mails that were given up, and how long the oldest has waited."""
    return Response(exposition(await outbox.counts(), now=outbox.now()), media_type=CONTENT_TYPE_LATEST)
