"""What the processes say of themselves at /metrics, added up."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx
from prometheus_client.parser import text_string_to_metric_families

Key = tuple[str, str]


@dataclass
class Figures:
    """By (service, topic): events sent, applied, seconds of the hop; and POST to queue."""

    sent: dict[Key, float] = field(default_factory=dict)
    applied: dict[Key, float] = field(default_factory=dict)
    hop_s: dict[Key, float] = field(default_factory=dict)
    queued: float = 0.0
    post_to_queue_s: float = 0.0

    def read(self, page: str) -> None:
        """Adds one process's page."""
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                labels = sample.labels
                key = (labels.get("service", ""), labels.get("topic", ""))
                if sample.name == "yizhan_events_sent_total":
                    _add(self.sent, key, sample.value)
                elif sample.name == "yizhan_events_total" and labels["outcome"] == "applied":
                    _add(self.applied, key, sample.value)
                elif sample.name == "yizhan_hop_seconds_sum":
                    _add(self.hop_s, key, sample.value)
                elif sample.name == "yizhan_post_to_queue_seconds_count":
                    self.queued += sample.value
                elif sample.name == "yizhan_post_to_queue_seconds_sum":
                    self.post_to_queue_s += sample.value


async def figures(urls: dict[str, str]) -> Figures:
    """Of all processes now."""
    found = Figures()
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        for url in urls.values():
            found.read((await client.get(url)).text)
    return found


def _add(sums: dict[Key, float], key: Key, value: float) -> None:
    sums[key] = sums.get(key, 0.0) + value
