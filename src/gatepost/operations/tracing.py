"""Traces (OpenTelemetry): one span per request and per query, without any values that clients sent.

Tracing is off unless OTEL_EXPORTER_OTLP_ENDPOINT is set. The export is in `otlp.py`, which needs the packages of the
extra `otel`.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatepost.core.settings import Settings
from gatepost.http.middleware import METHODS, OTHER_METHOD, template_of

EXPORTING = "gatepost.operations.otlp"
PARENT = b"traceparent"
FAILURE = 500

propagator = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class Tracing:
    """Creates spans; `stop` sends the remaining ones."""

    tracer: Tracer
    stop: Callable[[], None]


def start_tracing(settings: Settings, engine: AsyncEngine) -> Tracing | None:
    """Start to trace requests and queries, if a collector is set."""
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint is None:
        return None
    tracing: Tracing = importlib.import_module(EXPORTING).export_to(endpoint)
    trace_queries(engine, tracing.tracer)
    return tracing


class TracedRequests:
    """Creates a span for each request, as a child of the one in its `traceparent` (W3C Trace Context)."""

    def __init__(self, app: ASGIApp, *, tracer: Tracer) -> None:
        self.app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else OTHER_METHOD
        status = 0

        async def send_traced(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        with self._tracer.start_as_current_span(
            method,
            context=_parent(scope),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "url.scheme": scope["scheme"]},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            scope.setdefault("state", {})["trace_id"] = f"{span.get_span_context().trace_id:032x}"
            try:
                await self.app(scope, receive, send_traced)
            finally:
                _finish(span, scope, method=method, status=status)


def trace_queries(engine: AsyncEngine, tracer: Tracer) -> None:
    """Create a span for each query of a traced request; its text has placeholders instead of values."""
    system = engine.dialect.name

    def begin(_connection: Any, _cursor: Any, statement: str, _values: Any, context: Any, _many: bool) -> None:
        if get_current_span().is_recording():
            context.gatepost_span = tracer.start_span(
                statement.split(maxsplit=1)[0].upper(),
                kind=SpanKind.CLIENT,
                attributes={"db.system.name": system, "db.query.text": statement},
            )

    def end(_connection: Any, _cursor: Any, _statement: str, _values: Any, context: Any, _many: bool) -> None:
        if (span := getattr(context, "gatepost_span", None)) is not None:
            span.end()

    def fail(failure: Any) -> None:
        if (span := getattr(failure.execution_context, "gatepost_span", None)) is not None:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", type(failure.original_exception).__name__)
            span.end()

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    event.listen(engine.sync_engine, "handle_error", fail)


def _parent(scope: Scope) -> Context:
    carrier = {PARENT.decode(): value.decode("latin-1") for name, value in scope["headers"] if name == PARENT}
    return propagator.extract(carrier, context=Context())


def _finish(span: Span, scope: Scope, *, method: str, status: int) -> None:
    route = template_of(scope)
    span.update_name(f"{method} {route}")
    span.set_attribute("http.route", route)
    if status:
        span.set_attribute("http.response.status_code", status)
    if code := scope["state"].get("code"):
        span.set_attribute("error.type", code)
    if status >= FAILURE or not status:
        span.set_status(Status(StatusCode.ERROR))
