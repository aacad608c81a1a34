"""Every metric of the product, declared once; dashboards and alerts may use only these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry(auto_describe=True)

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True)
class Metric:
    """A declared metric: its full name, kind, unit, labels and meaning."""

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    meaning: str


METRICS: list[Metric] = []

LATENCY_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def _counter(name: str, labels: tuple[str, ...], meaning: str) -> Counter:
    METRICS.append(Metric(name, "counter", "1", labels, meaning))
    return Counter(name, meaning, labels, registry=REGISTRY)


def _gauge(name: str, labels: tuple[str, ...], meaning: str, unit: str = "1") -> Gauge:
    METRICS.append(Metric(name, "gauge", unit, labels, meaning))
    return Gauge(name, meaning, labels, registry=REGISTRY)


def _histogram(
    name: str, labels: tuple[str, ...], meaning: str, unit: str, buckets: tuple[float, ...]
) -> Histogram:
    METRICS.append(Metric(name, "histogram", unit, labels, meaning))
    return Histogram(name, meaning, labels, buckets=buckets, registry=REGISTRY)


EVENTS_TOTAL = _counter(
    "yizhan_events_total",
    ("service", "topic", "outcome"),
    "Events that a consumer decided: applied, duplicate, dead, or of somebody erased.",
)
EVENTS_SENT_TOTAL = _counter(
    "yizhan_events_sent_total", ("service", "topic"), "Events that left an outbox for Kafka."
)
HOP_SECONDS = _histogram(
    "yizhan_hop_seconds",
    ("service", "topic"),
    "From an event's occurrence to its effect at a consumer.",
    "seconds",
    LATENCY_S,
)
OUTBOX_DELAY_SECONDS = _histogram(
    "yizhan_outbox_delay_seconds",
    ("service",),
    "From the outbox row to its send.",
    "seconds",
    LATENCY_S,
)
POST_TO_QUEUE_SECONDS = _histogram(
    "yizhan_post_to_queue_seconds",
    (),
    "From the acceptance of a report to its case in a queue.",
    "seconds",
    LATENCY_S,
)
BATCH_DURATION_SECONDS = _histogram(
    "yizhan_batch_duration_seconds",
    ("service", "topic"),
    "One batch from decode to ack.",
    "seconds",
    LATENCY_S,
)
BATCH_SIZE = _histogram(
    "yizhan_batch_size", ("service", "topic"), "Events in one batch.", "events", SIZES
)
BATCH_RETRIES_TOTAL = _counter(
    "yizhan_batch_retries_total", ("service",), "Batches tried again after a transient failure."
)
LAST_BATCH_TIMESTAMP_SECONDS = _gauge(
    "yizhan_last_batch_timestamp_seconds",
    ("service", "topic"),
    "When the latest batch was committed, Unix time.",
    "seconds",
)
CONSUMER_HALTED = _gauge(
    "yizhan_consumer_halted",
    ("service", "topic"),
    "1 while a consumer stands still after too many dead letters.",
)
RELAY_LEADS = _gauge("yizhan_relay_leads", ("service",), "1 while this process runs the relay.")
OUTBOX_PENDING = _gauge(
    "yizhan_outbox_pending", ("service",), "Outbox rows not sent yet (measured by the monitor)."
)
OUTBOX_OLDEST_SECONDS = _gauge(
    "yizhan_outbox_oldest_seconds",
    ("service",),
    "Age of the oldest outbox row not sent yet (measured by the monitor).",
    "seconds",
)
DEAD_LETTERS = _gauge(
    "yizhan_dead_letters",
    ("service", "topic"),
    "Dead letters that are kept (measured by the monitor).",
)
CONSUMER_LAG = _gauge(
    "kafka_consumergroup_lag",
    ("consumergroup", "topic", "partition"),
    "High watermark minus committed offset, asked from the broker by the monitor.",
)
CONSUMER_COMMITTED = _gauge(
    "kafka_consumergroup_committed_offset",
    ("consumergroup", "topic", "partition"),
    "Committed offset, asked from the broker by the monitor.",
)
MONITOR_FAILURES_TOTAL = _counter(
    "yizhan_monitor_failures_total", ("source",), "Rounds in which a source did not answer."
)
HTTP_REQUESTS_TOTAL = _counter(
    "yizhan_http_requests_total", ("route", "method", "status"), "HTTP answers by route template."
)
HTTP_SECONDS = _histogram(
    "yizhan_http_seconds", ("route", "method"), "HTTP answers by route.", "seconds", LATENCY_S
)
FLOODS_TOTAL = _counter(
    "yizhan_floods_total",
    ("of", "by"),
    "Requests held back with 429: reports, media or sessions, by the bucket that was empty.",
)
CITY_BROKEN = _gauge(
    "yizhan_city_broken",
    ("service",),
    "1 while the city's files were changed and cannot be read: the older ones are still used.",
)


def city_told(service: str) -> Callable[[Exception | None], None]:
    """Shows what became of changed files of the city: called with the fault, or with None."""
    return lambda fault: CITY_BROKEN.labels(service).set(fault is not None)


STREAMS_OPEN = _gauge("yizhan_streams_open", ("service",), "Live streams that clients hold.")
JOBS_TOTAL = _counter(
    "yizhan_jobs_total",
    ("service", "kind", "outcome"),
    "Leased jobs that ended: done, retried or given_up.",
)
JOB_SECONDS = _histogram(
    "yizhan_job_seconds", ("service", "kind"), "One attempt at a job.", "seconds", LATENCY_S
)
TIMERS_TOTAL = _counter(
    "yizhan_timers_total", ("service", "timer"), "Rows that a timer claimed and changed."
)
CASES_OPENED_TOTAL = _counter(
    "yizhan_cases_opened_total", ("outcome",), "Reports that dispatch opened or joined."
)
POINTS_TOTAL = _counter(
    "yizhan_points_total",
    ("reason", "outcome"),
    "Points in ledger lines: held, credited, capped (not counted), void, reversed.",
)
STRIKES_TOTAL = _counter("yizhan_strikes_total", (), "Strikes for false or staged reports.")
PROVISIONAL_CLOCKS_TOTAL = _counter(
    "yizhan_provisional_clocks_total",
    (),
    "Clocks set by the weekday rule because the calendar of the year is unknown.",
)
PROCESS_RESTARTS = _gauge(
    "yizhan_process_restarts", ("process",), "Restarts by the supervisor since it started."
)
NOTICES_TOTAL = _counter(
    "yizhan_notices_total",
    ("channel", "outcome"),
    "Notices by channel (inbox, webhook) that were delivered, retried or failed.",
)
WEBHOOK_SECONDS = _histogram(
    "yizhan_webhook_seconds",
    ("outcome",),
    "One attempt at a webhook until its answer: delivered, refused, error or timeout.",
    "seconds",
    LATENCY_S,
)
WEBHOOK_DELAY_SECONDS = _histogram(
    "yizhan_webhook_delay_seconds",
    (),
    "From an event's occurrence to its delivery at a webhook.",
    "seconds",
    LATENCY_S,
)
