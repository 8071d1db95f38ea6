"""Metrics in the text format of Prometheus."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gatepost import __version__
from gatepost.core.logs.context import Act
from gatepost.core.request_metrics import BOUNDS, SUCCESS, Durations
from gatepost.operations.process_metrics import Kind, MetricTotals, ProcessMetric

# Names of status classes; 0 if the client disconnected before the answer.
CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
OUTCOMES: Mapping[Act, tuple[str, str]] = {
    Act.SIGN_IN: ("gatepost_sign_ins", "Sign-ins by result: success, or the code of the error."),
    Act.REFRESH: ("gatepost_refreshes", "Refreshes by result."),
}


def exposition(
    totals: MetricTotals, metrics: Sequence[ProcessMetric], shared: Mapping[str, tuple[str, float]]
) -> bytes:
    """Return all metrics; `shared` are those shared by all replicas, each with its description."""
    registry = CollectorRegistry()
    registry.register(_Families(totals, metrics, shared))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(
        self, totals: MetricTotals, metrics: Sequence[ProcessMetric], shared: Mapping[str, tuple[str, float]]
    ) -> None:
        self._totals = totals
        self._metrics = metrics
        self._shared = shared

    def collect(self) -> Iterator[Metric]:
        yield from _requests(self._totals)
        for act, (name, meaning) in OUTCOMES.items():
            outcomes = CounterMetricFamily(name, meaning, labels=["outcome"])
            counted = {outcome: count for (of_act, outcome), count in self._totals.outcomes.items() if of_act == act}
            for outcome, count in ({SUCCESS: 0} | counted).items():
                outcomes.add_metric([outcome], count)
            yield outcomes
        for metric in self._metrics:
            value = self._totals.values[metric.name]
            if metric.kind is Kind.COUNT:
                yield CounterMetricFamily(metric.name, metric.meaning, value=value)
            else:
                yield GaugeMetricFamily(metric.name, metric.meaning, value=value)
        for name, (meaning, value) in self._shared.items():
            yield GaugeMetricFamily(name, meaning, value=value)
        version = GaugeMetricFamily("gatepost_build_info", "The running version; always 1.", labels=["version"])
        version.add_metric([__version__], 1)
        yield version


def _requests(totals: MetricTotals) -> Iterator[Metric]:
    count = CounterMetricFamily("gatepost_http_requests", "Completed requests.", labels=["route", "method", "status"])
    durations = HistogramMetricFamily(
        "gatepost_http_request_duration_seconds", "Time until the answer was complete.", labels=["route", "method"]
    )
    by_route: dict[tuple[str, str], Durations] = {}
    for (route, method, hundreds), counted in totals.requests.items():
        count.add_metric([route, method, CLASSES[hundreds]], sum(counted.counts))
        of_route = by_route.setdefault((route, method), Durations())
        of_route.counts = [a + b for a, b in zip(of_route.counts, counted.counts, strict=True)]
        of_route.seconds += counted.seconds
    for labels, counted in by_route.items():
        durations.add_metric(list(labels), _buckets(counted.counts), counted.seconds)
    yield count
    yield durations


def _buckets(counts: Sequence[int]) -> list[Any]:
    """Return each upper bound with its cumulative count."""
    buckets = []
    so_far = 0
    for bound, count in zip([*(str(bound) for bound in BOUNDS), "+Inf"], counts, strict=True):
        so_far += count
        buckets.append([bound, so_far])
    return buckets
