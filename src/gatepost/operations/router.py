"""The routes for monitoring: readiness and metrics."""

import asyncio
import hmac
from ipaddress import ip_address
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import Field

from gatepost.audit.sealer import AuditSealer
from gatepost.core.db.database import DatabaseUnavailable
from gatepost.core.settings import Settings
from gatepost.http.deps import provided
from gatepost.http.openapi import problems
from gatepost.http.schemas import Out
from gatepost.http.server.draining import Drain, ShuttingDown
from gatepost.identity.tokens.errors import RevocationUnknown
from gatepost.mail.worker import OutboxWorker
from gatepost.operations.errors import KeysMissing, MetricsUnauthorized, SchemaOutdated
from gatepost.operations.metrics import exposition
from gatepost.operations.metrics_catalog import database_metrics
from gatepost.operations.process_metrics import ProcessMetrics
from gatepost.operations.readiness import Check, Readiness

# Headers that proxies add.
OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-real-ip")

router = APIRouter(tags=["operations"])

DrainDep = Annotated[Drain, Depends(provided(Drain))]
ReadinessDep = Annotated[Readiness, Depends(provided(Readiness))]
ProcessMetricsDep = Annotated[ProcessMetrics, Depends(provided(ProcessMetrics))]
OutboxDep = Annotated[OutboxWorker, Depends(provided(OutboxWorker))]
SealerDep = Annotated[AuditSealer, Depends(provided(AuditSealer))]
SettingsDep = Annotated[Settings, Depends(provided(Settings))]


class Ready(Out):
    """The process can serve requests."""

    status: str = Field(examples=["ready"])
    checks: dict[str, str] = Field(examples=[dict.fromkeys(Check, "ok")])


@router.get(
    "/readyz",
    summary="Readiness check",
    responses=problems(ShuttingDown, DatabaseUnavailable, SchemaOutdated, KeysMissing, RevocationUnknown),
)
async def ready(drain: DrainDep, readiness: ReadinessDep) -> Ready:
    """Checks the database, its schema, the signing keys and the revocation feed. If it fails, send requests elsewhere.

    An error has the code of the first failed check, and `errors` lists all of them.
    """
    drain.require_serving()
    await readiness.check()
    return Ready(status="ready", checks=dict.fromkeys(Check, "ok"))


async def require_metrics_reader(request: Request, settings: SettingsDep) -> None:
    """Check that the caller may read the metrics: with the token, or from inside the network if none is set."""
    if settings.metrics_token is not None:
        expected = f"Bearer {settings.metrics_token.get_secret_value()}"
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected.encode()):
            raise MetricsUnauthorized
    elif _is_from_outside(request):
        raise MetricsUnauthorized


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    dependencies=[Depends(require_metrics_reader)],
    response_class=PlainTextResponse,
    responses={
        200: {"content": {"text/plain": {"example": "gatepost_outbox_failed 0.0"}}},
        **problems(MetricsUnauthorized),
    },
)
async def metrics(metrics: ProcessMetricsDep, outbox: OutboxDep, sealer: SealerDep) -> Response:
    """Metrics of all workers: requests, sign-ins, hashing, connections, the revocation feed, mail, the audit log."""
    shared = await database_metrics(outbox, sealer)
    totals = await metrics.totals()
    return Response(
        await asyncio.to_thread(exposition, totals, metrics.metrics, shared), media_type=CONTENT_TYPE_LATEST
    )


def _is_from_outside(request: Request) -> bool:
    """Whether the request came through a proxy or from a public address."""
    if any(name in request.headers for name in OF_PROXIES):
        return True
    try:
        return request.client is None or ip_address(request.client.host).is_global
    except ValueError:
        return True
