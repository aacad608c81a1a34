"""The dashboard of an operator: a table of panels, written as Grafana's JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

COLUMNS = 3
WIDTH, HEIGHT = 24 // COLUMNS, 8
RATE = "[$__rate_interval]"


@dataclass(frozen=True)
class Panel:
    """One graph: its title, what it says, the unit and `(legend, expression)` pairs."""

    title: str
    meaning: str
    unit: str
    series: tuple[tuple[str, str], ...]


def _quantiles(metric: str, by: str = "") -> tuple[tuple[str, str], ...]:
    legend = f" {{{{{by}}}}}" if by else ""
    labels = f"le, {by}" if by else "le"
    return tuple(
        (
            f"p{share}{legend}",
            f"histogram_quantile(0.{share}, sum by ({labels}) (rate({metric}_bucket{RATE})))",
        )
        for share in (50, 99)
    )


PANELS = (
    Panel(
        "Reports accepted 上报受理",
        "202 answers of POST /v1/reports a second.",
        "reqps",
        (
            (
                "{{status}}",
                'sum by (status) (rate(yizhan_http_requests_total{route="/v1/reports",'
                f'method="POST"}}{RATE}))',
            ),
        ),
    ),
    Panel(
        "POST to queue 上报到队列",
        "From the acceptance of a report to its case in a community's queue.",
        "s",
        _quantiles("yizhan_post_to_queue_seconds"),
    ),
    Panel(
        "Cases 案件",
        "Reports that opened a case or joined one, a second.",
        "ops",
        (("{{outcome}}", f"sum by (outcome) (rate(yizhan_cases_opened_total{RATE}))"),),
    ),
    Panel(
        "Throughput 吞吐",
        "Events that each consumer decided, a second, by topic and outcome.",
        "ops",
        (
            (
                "{{service}} {{topic}} {{outcome}}",
                f"sum by (service, topic, outcome) (rate(yizhan_events_total{RATE}))",
            ),
        ),
    ),
    Panel(
        "Time per hop 每跳耗时",
        "From an event's occurrence to its effect at a consumer.",
        "s",
        _quantiles("yizhan_hop_seconds", "service"),
    ),
    Panel(
        "Consumer lag 积压",
        "High watermark minus committed offset, asked from the broker by the monitor.",
        "short",
        (
            (
                "{{consumergroup}} {{topic}}",
                "sum by (consumergroup, topic) (kafka_consumergroup_lag)",
            ),
        ),
    ),
    Panel(
        "Outbox 发件箱",
        "Rows not sent yet, and the age of the oldest in seconds.",
        "short",
        (
            ("{{service}} rows", "sum by (service) (yizhan_outbox_pending)"),
            ("{{service}} oldest s", "max by (service) (yizhan_outbox_oldest_seconds)"),
        ),
    ),
    Panel(
        "Dead letters 死信",
        "Events that no retry can make good; 1 on a halted line means a consumer stands still.",
        "short",
        (
            ("{{service}} {{topic}}", "sum by (service, topic) (yizhan_dead_letters)"),
            ("{{service}} halted", "max by (service) (yizhan_consumer_halted)"),
        ),
    ),
    Panel(
        "HTTP errors 接口错误",
        "Answers of 5xx a second, by route.",
        "reqps",
        (
            (
                "{{route}} {{status}}",
                f'sum by (route, status) (rate(yizhan_http_requests_total{{status=~"5.."}}{RATE}))',
            ),
        ),
    ),
    Panel(
        "Jobs 后台作业",
        "Photos and other leased jobs that ended, a second.",
        "ops",
        (
            (
                "{{service}} {{kind}} {{outcome}}",
                f"sum by (service, kind, outcome) (rate(yizhan_jobs_total{RATE}))",
            ),
        ),
    ),
    Panel(
        "Live streams 实时流",
        "Streams that clients hold open.",
        "short",
        (("{{service}}", "sum by (service) (yizhan_streams_open)"),),
    ),
    Panel(
        "Restarts 重启",
        "Processes that the supervisor started again (local mode).",
        "short",
        (("{{process}}", "max by (process) (yizhan_process_restarts)"),),
    ),
)


def document() -> str:
    """deploy/grafana/yizhan.json."""
    board = {
        "uid": "yizhan",
        "title": "Yizhan 驿站",
        "timezone": "browser",
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "schemaVersion": 39,
        "panels": [_graph(number, panel) for number, panel in enumerate(PANELS)],
    }
    return json.dumps(board, ensure_ascii=False, indent=1) + "\n"


def _graph(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, COLUMNS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.meaning,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "datasource": {"type": "prometheus", "uid": "prometheus"},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + at), "expr": expression, "legendFormat": legend}
            for at, (legend, expression) in enumerate(panel.series)
        ],
    }
