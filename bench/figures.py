"""What many latencies and several runs come down to, and how a figure is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from statistics import median

Run = dict[str, float]
"""What one run found, by name; the unit is in the name."""


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest value that `share` of all do not exceed."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def spread_ms(name: str, seconds: Sequence[float]) -> Run:
    """p50, p99 and the worst of latencies in seconds, in milliseconds."""
    return {
        f"{name}_p50_ms": percentile(seconds, 0.50) * 1e3,
        f"{name}_p99_ms": percentile(seconds, 0.99) * 1e3,
        f"{name}_max_ms": max(seconds) * 1e3,
    }


def medians(runs: Sequence[Mapping[str, float]]) -> Run:
    """Each figure's median over the runs."""
    return {name: median(run[name] for run in runs) for name in runs[0]}


def figure(value: float) -> str:
    """Three digits that count: 1,234, 56.7, 0.891."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
