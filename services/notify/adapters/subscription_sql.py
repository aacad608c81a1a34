"""Subscriptions in SQL: kept a person each, and found by index for a whole batch of cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from runtime.db import Connection, Database
from services.notify.domain.subscribing import Circle, Match, Sight, Target

_OF = "select * from subscriptions where recipient = $1 order by created_at, id"
_ONE = "select * from subscriptions where recipient = $1 and id = $2"
_SAME = "select * from subscriptions where recipient = $1 and target = $2"
_COUNT = "select count(*) from subscriptions where recipient = $1"
_ADD = """
insert into subscriptions (recipient, id, target, case_id, lat, lon, radius_m, area, division,
    category)
values ($1, $2, $3, $4, $5, $6, $7, box(point($8, $9), point($10, $11)), $12, $13)
returning *
"""
_REPLACE = """
update subscriptions set target = $3, case_id = $4, lat = $5, lon = $6, radius_m = $7,
    area = box(point($8, $9), point($10, $11)), division = $12, category = $13,
    since = clock_timestamp()
where recipient = $1 and id = $2 returning *
"""
_DELETE = "delete from subscriptions where recipient = $1 and id = $2 returning true"
# What happened before somebody asked is not told to them: a replay finds nobody new. The limit
# (none: null) also keeps the planner from reading all subscriptions into a hash table: each lookup
# is by index.
MATCHING_SQL = """
with told as materialized (
    select at, case_id, point(lon, lat) as place, category, happened_at
    from unnest($1::int[], $2::text[], $3::float8[], $4::float8[], $5::text[], $6::timestamptz[])
        as row (at, case_id, lat, lon, category, happened_at)
), within as materialized (
    select * from unnest($7::int[], $8::text[]) as row (at, division)
)
select told.at, s.recipient, true as follows, s.lat, s.lon, s.radius_m
from told cross join lateral (
    select * from subscriptions
    where case_id = told.case_id and since <= told.happened_at limit $9
) s
union all
select told.at, s.recipient, false, s.lat, s.lon, s.radius_m
from told cross join lateral (
    select * from subscriptions
    where area @> box(told.place, told.place)
      and (category is null or category = told.category) and since <= told.happened_at limit $9
) s
union all
select told.at, s.recipient, false, s.lat, s.lon, s.radius_m
from within join told using (at) cross join lateral (
    select * from subscriptions
    where division = within.division
      and (category is null or category = told.category) and since <= told.happened_at limit $9
) s
union all
select told.at, s.recipient, false, s.lat, s.lon, s.radius_m
from told cross join lateral (
    select * from subscriptions
    where category = told.category and area is null and division is null
      and since <= told.happened_at limit $9
) s
"""


@dataclass(frozen=True)
class Subscription:
    """One of a person's."""

    id: UUID
    target: Target
    created_at: datetime


async def of(db: Database, recipient: str) -> list[Subscription]:
    """A person's own, the oldest first."""
    return [_subscription(row) for row in await db.fetch(_OF, recipient)]


async def one(db: Database | Connection, recipient: str, id: UUID) -> Subscription | None:
    """A person's own by its id; None also for another's."""
    row: Any = await db.fetchrow(_ONE, recipient, id)
    return _subscription(row) if row else None


async def same(connection: Connection, recipient: str, target: Target) -> Subscription | None:
    """The person's own that asks for exactly this."""
    row: Any = await connection.fetchrow(_SAME, recipient, target.text())
    return _subscription(row) if row else None


async def count(connection: Connection, recipient: str) -> int:
    """How many the person has."""
    found: int = await connection.fetchval(_COUNT, recipient)
    return found


async def add(connection: Connection, recipient: str, id: UUID, target: Target) -> Subscription:
    """A new one."""
    return _subscription(await connection.fetchrow(_ADD, recipient, id, *_values(target)))


async def replace(
    connection: Connection, recipient: str, id: UUID, target: Target
) -> Subscription | None:
    """Asks for something else; None when the person has no such one."""
    row: Any = await connection.fetchrow(_REPLACE, recipient, id, *_values(target))
    return _subscription(row) if row else None


async def delete(connection: Connection, recipient: str, id: UUID) -> bool:
    """Whether the person had it."""
    return bool(await connection.fetchval(_DELETE, recipient, id))


async def matching(
    connection: Connection, sights: Mapping[int, Sight], most: int | None
) -> list[Match]:
    """Whoever may want to hear of these: one query for all, by index, circles not yet measured.

    At most `most` by each way of asking.
    """
    rows = [(at, s.case_id, s.lat, s.lon, s.category, s.at) for at, s in sights.items()]
    within = [(at, code) for at, s in sights.items() for code in s.divisions]
    columns = [list(column) for column in zip(*rows, strict=True)]
    places = [list(column) for column in zip(*within, strict=True)] or [[], []]
    found = await connection.fetch(MATCHING_SQL, *columns, *places, most)
    return [Match(row["at"], row["recipient"], row["follows"], _circle(row)) for row in found]


def _values(target: Target) -> tuple[object, ...]:
    """Columns from `target` to `category`, in the order of the statements."""
    circle = target.circle
    where = (circle.lat, circle.lon, circle.radius_m) if circle else (None, None, None)
    box = circle.box() if circle else (None, None, None, None)
    return (target.text(), target.case_id, *where, *box, target.division, target.category)


def _circle(row: Any) -> Circle | None:
    return None if row["lat"] is None else Circle(row["lat"], row["lon"], row["radius_m"])


def _subscription(row: Any) -> Subscription:
    target = Target(
        case_id=row["case_id"],
        circle=_circle(row),
        division=row["division"],
        category=row["category"],
    )
    return Subscription(row["id"], target, row["created_at"])
