"""Sends spans to a collector. Only imported if a collector is set, since it needs the extra `otel`."""

import os

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from gatepost import __version__
from gatepost.operations.tracing import Tracing


def export_to(endpoint: str) -> Tracing:
    """Send spans to a collector, in batches, from a thread; other OTEL_* variables mean what the SDK says."""
    attributes = {"service.version": __version__}
    if "OTEL_SERVICE_NAME" not in os.environ:
        attributes["service.name"] = "gatepost"
    provider = TracerProvider(resource=Resource.create(attributes), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(tracer=provider.get_tracer("gatepost", __version__), stop=provider.shutdown)
