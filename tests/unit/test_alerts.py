"""Alert rules speak of metrics that exist, parse, and each has a case that makes it fire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.promql import SCRAPED, SERIES, labels_used, selectors

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


@each_rule
def test_it_reads_metrics_that_are_declared(rule: dict[str, Any]) -> None:
    names = {selector.name for selector in selectors(rule["expr"])}
    assert names and names <= set(SERIES), names - set(SERIES)


@each_rule
def test_it_uses_labels_that_they_have(rule: dict[str, Any]) -> None:
    names = [str(selector.name) for selector in selectors(rule["expr"])]
    known = set().union(*(SERIES[name] for name in names)) | SCRAPED
    assert labels_used(rule["expr"]) <= known


@each_rule
def test_it_says_what_happened_in_both_languages(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "warn"}
    assert set(rule["annotations"]) == {"summary", "zh"}


@each_rule
def test_a_case_makes_it_fire(rule: dict[str, Any]) -> None:
    cases = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    fired = {
        check["alertname"]
        for case in cases
        for check in case["alert_rule_test"]
        if check["exp_alerts"]
    }
    assert rule["alert"] in fired


def test_a_metric_that_nobody_declared_is_seen() -> None:
    with pytest.raises(ValueError, match=r".*"):
        selectors("sum by (service (yizhan_events_total)")
    assert {str(each.name) for each in selectors("rate(yizhan_typo_total[1m]) > 0")} - set(SERIES)


def test_scraping_covers_the_processes() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert {job["job_name"] for job in config["scrape_configs"]} == {"edge", "workers", "monitor"}
    assert config["rule_files"] == ["alerts.yml"]
