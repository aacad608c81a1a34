"""Reads rewards.yaml: what joining and checking are worth, the most a month, when to look twice."""

from __future__ import annotations

from collections.abc import Collection

from cities.marked import Marked
from cities.rows import RewardsFile
from contracts.city import Rewards

MOST_POINTS = 100_000
"""More is a slip of the pen."""


def read_rewards(marked: Marked, refusal_reasons: Collection[str]) -> Rewards:
    """Checked rules; CityError at the line of what is wrong."""
    rows = marked.to(RewardsFile)
    for field in ("joined", "check"):
        if not 0 <= getattr(rows, field) <= MOST_POINTS:
            raise marked.error(f"$.{field}", f"{field} must be 0 to {MOST_POINTS} points")
    if not 0 < rows.month_cap <= MOST_POINTS:
        raise marked.error("$.month_cap", f"month_cap must be 1 to {MOST_POINTS} points")
    if not 0 < rows.strikes.flag_at <= MOST_POINTS:
        raise marked.error("$.strikes.flag_at", f"flag_at must be 1 to {MOST_POINTS} strikes")
    for at, code in enumerate(rows.strikes.reasons):
        if code not in refusal_reasons:
            where = f"$.strikes.reasons[{at}]"
            raise marked.error(where, f"{code} is no refusal reason of city.yaml")
    return Rewards(
        joined=rows.joined,
        check=rows.check,
        month_cap=rows.month_cap,
        false_reasons=frozenset(rows.strikes.reasons),
        flag_at=rows.strikes.flag_at,
    )
