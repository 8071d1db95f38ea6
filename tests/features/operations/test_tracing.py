"""Traces, as a collector gets them."""

from typing import Any

from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api
from tests.support.collector import trace_collector

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def attributes(span: Any) -> dict[str, Any]:
    return {item.key: item.value.string_value or item.value.int_value for item in span.attributes}


async def test_request_and_its_queries_are_spans_below_the_callers(make_services: MakeServices) -> None:
    with trace_collector() as collector:
        services = make_services(otel_exporter_otlp_endpoint=collector.url)
        async with started(services) as app, http_client(app) as client:
            person = await Api(client).sign_up()
            answer = await client.delete(
                "/api/auth/sessions/999?token=secret",
                headers={**person.headers, "traceparent": f"00-{TRACE}-{PARENT}-01"},
            )

    assert answer.status_code == 404
    ours = [span for span in collector.spans if span.trace_id.hex() == TRACE]
    [server] = [span for span in ours if span.parent_span_id.hex() == PARENT]
    assert server.name == "DELETE /api/auth/sessions/{session_id}"
    assert attributes(server)["http.route"] == "/api/auth/sessions/{session_id}"
    assert attributes(server)["http.response.status_code"] == 404
    queries = [span for span in ours if span.parent_span_id == server.span_id]
    assert "SELECT" in {span.name for span in queries}
    assert all("999" not in attributes(span)["db.query.text"] for span in queries)
    assert not any(b"secret" in content for content in collector.raw)


async def test_nothing_is_traced_unless_a_collector_is_set(make_services: MakeServices) -> None:
    async with started(make_services()) as app:
        names = [middleware.cls.__name__ for middleware in app.user_middleware]  # type: ignore[attr-defined]

    assert names[0] == "RequestEnvelope"
