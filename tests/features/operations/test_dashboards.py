"""The dashboard and the alerts ask for figures that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.api import Api

DEPLOY = Path(__file__).parents[3] / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/gatepost.json").read_text(encoding="utf-8"))
RULES: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus/gatepost.rules.yml").read_text(encoding="utf-8"))
NAME = re.compile(r"\bgatepost_[a-z_]+\b")
LABEL = re.compile(r"(gatepost_[a-z_]+)\{([^}]*)\}")
# Prometheus adds these to whatever it reads.
ADDED = {"job", "instance", "le"}


async def test_every_figure_that_is_asked_for_exists(api: Api) -> None:
    await api.sign_up()
    await api.sign_in()
    families = list(text_string_to_metric_families((await api.get("/metrics")).text))
    samples = [sample for family in families for sample in family.samples]
    names = {sample.name for sample in samples}

    for expression in _expressions():
        assert set(NAME.findall(expression)) - {"gatepost"} <= names, expression
        for name, matchers in LABEL.findall(expression):
            known = {label for sample in samples if sample.name == name for label in sample.labels}
            assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= known | ADDED, expression
    asked_for = {name for expression in _expressions() for name in NAME.findall(expression)}
    unwatched = {sample.name for sample in samples} - asked_for
    assert {name for name in unwatched if not name.endswith(("_sum", "_count"))} == set()


def test_alerts_tell_what_is_wrong_and_what_to_do() -> None:
    alerts = [rule for group in RULES["groups"] for rule in group["rules"]]

    assert len({alert["alert"] for alert in alerts}) == len(alerts) > 10
    for alert in alerts:
        assert alert["labels"]["severity"] in ("critical", "warning")
        assert alert["annotations"].keys() == {"summary", "description"}


def test_panels_have_a_place_and_a_name_each() -> None:
    panels = DASHBOARD["panels"]

    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)


def _expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for group in RULES["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]
