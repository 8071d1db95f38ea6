"""Reading what /metrics answers."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

Figures = dict[str, float]


def read_figures(answer: httpx.Response) -> Figures:
    """Return every sample as `name` or `name{label="value",…}`, labels sorted; the text must be well formed."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    figures: Figures = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            key = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert key not in figures, key
            figures[key] = sample.value
    return figures
