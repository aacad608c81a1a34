"""The page of all metrics, from the table that declares them."""

from __future__ import annotations

from runtime.metrics import METRICS

HEAD = """\
# Metrics

Generated from `runtime/metrics.py` by `python -m docs.generate`; do not edit. Every process
serves them at `/metrics`; dashboards and alert rules may use only these names (a test holds it).

| metric | kind | unit | labels | meaning |
| --- | --- | --- | --- | --- |
"""


def page() -> str:
    """docs/metrics.md."""
    rows = [
        f"| `{metric.name}` | {metric.kind} | {metric.unit} "
        f"| {', '.join(f'`{label}`' for label in metric.labels) or '-'} | {metric.meaning} |"
        for metric in METRICS
    ]
    return HEAD + "\n".join(rows) + "\n"
