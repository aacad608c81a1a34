"""What a PromQL expression reads, against the metrics that processes serve."""

from __future__ import annotations

import promql_parser

from runtime.metrics import METRICS

SCRAPED = {"job", "instance", "le"}
"""Labels that scraping and histograms add."""


def labels_by_series() -> dict[str, set[str]]:
    """Every series name that a process serves -> its labels."""
    series: dict[str, set[str]] = {"up": set()}
    for metric in METRICS:
        endings = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        for ending in endings:
            series[metric.name + ending] = set(metric.labels)
    return series


SERIES = labels_by_series()


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """The series that an expression reads. Raises ValueError when it does not parse."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def labels_used(expression: str) -> set[str]:
    """Labels that an expression groups by or matches."""
    found: set[str] = set()

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            found.update(node.modifier.labels)
        if isinstance(node, promql_parser.VectorSelector):
            found.update(matcher.name for matcher in node.matchers.matchers)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found
