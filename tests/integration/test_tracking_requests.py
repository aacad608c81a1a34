"""Everybody's reports as other systems look for them: SQL finds what a plain loop finds."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.cases import (
    OPEN311_STATUS,
    Case,
    CaseClosed,
    CaseMerged,
    CaseOpened,
    CaseRefused,
    CaseStarted,
)
from contracts.reports import ReportRefused
from contracts.submissions import Open311, ReportSubmitted
from services.tracking.adapters import request_sql
from services.tracking.adapters.request_sql import Wanted
from tests.integration.service_set import Environment
from tests.integration.tracking_set import (
    Tracking,
    about,
    case_with,
    happened,
    installation,
    new_id,
    normalised,
    opened,
    submitted,
)

REPORTS, QUESTIONS = 60, 300
CODES = ("06042", "03005", "L-9999")
WORDS = ("bin", "lamp", "glass")
ENDS = (CaseStarted, CaseClosed, CaseRefused)
STATE_OF = {CaseStarted: "in-progress", CaseClosed: "closed", CaseRefused: "refused"}


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("requests")) as found:
        yield found


@pytest.fixture
async def tracking(env: Environment) -> AsyncIterator[Tracking]:
    async with opened(env) as found:
        await found.empty()
        yield found


@dataclass(frozen=True)
class Row:
    """A report as it should be found."""

    id: str
    made: datetime
    category: str
    shut: bool
    text: str
    own: bool
    updated: datetime | None


class World:
    """Reports of every kind, with what is true of each."""

    def __init__(self, tracking: Tracking, seed: int) -> None:
        self.tracking = tracking
        self.rnd = random.Random(seed)
        self.rows: list[Row] = []

    async def fill(self) -> None:
        for _ in range(REPORTS):
            await self._one()

    async def _one(self) -> None:
        rnd, age = self.rnd, timedelta(hours=self.rnd.randint(0, 24 * 100))
        own = rnd.random() < 0.4
        made = datetime.now(UTC) - age
        sent = submitted(
            str(uuid4()),
            new_id(age),
            received_at=made,
            text=f"{rnd.choice(WORDS)} {rnd.choice(WORDS)}",
            category=rnd.choice((*CODES, None)),
            open311=Open311(client="c") if own else None,
        )
        row = Row(
            sent.report_id, made, sent.category or "L-9999", False, sent.text or "", own, None
        )
        kind = rnd.choice(["sent", "refused", "case", "case", "case", "merged"])
        await self.tracking.give(about(sent, 1))
        if kind == "refused":
            await self.tracking.give(about(refused(sent), 2))
            row = replace(row, shut=True)
        elif kind != "sent":
            row = await self._case(sent, row, merged=kind == "merged")
        self.rows.append(row)

    async def _case(self, sent: ReportSubmitted, row: Row, *, merged: bool) -> Row:
        rnd = self.rnd
        code = rnd.choice((*CODES[:2], None))
        await self.tracking.give(about(normalised(sent, category=code), 2))
        case = case_with(sent, opened_at=row.made, category=code)
        end = rnd.choice(ENDS)
        await self.tracking.give(
            happened(CaseOpened, case, 1, report_id=sent.report_id),
            happened(end, case, 2, state=STATE_OF[end]),
        )
        if merged:
            await self.tracking.give(*joined_to(case, sent))
        shut = not merged and OPEN311_STATUS[STATE_OF[end]] == "closed"  # type: ignore[index]
        updated = row.made + timedelta(seconds=1 if merged else 2)
        known = code or sent.category or "L-9999"
        return replace(row, category=known, shut=shut, updated=updated)


def refused(sent: ReportSubmitted) -> ReportRefused:
    return ReportRefused(
        report_id=sent.report_id, reporter_id=sent.reporter_id, code="X", reason="outside-city"
    )


def joined_to(case: Case, sent: ReportSubmitted) -> list[Any]:
    """The case ends in another one, which is open."""
    other = case_with(sent, opened_at=case.opened_at, category=case.category)
    return [
        happened(CaseOpened, other, 1, report_id=sent.report_id),
        happened(CaseMerged, case, 3, state="merged", into=other.id),
    ]


def question(rnd: random.Random) -> Wanted:
    """Any of them, alone or together."""

    def instant() -> datetime:
        return datetime.now(UTC) - timedelta(hours=rnd.randint(0, 24 * 110))

    def some(value: Any) -> Any:
        return value if rnd.random() < 0.4 else None

    first, last = sorted((instant(), instant()))
    low, high = sorted((instant(), instant()))
    changed = rnd.random() < 0.3
    word = some(rnd.choice((*WORDS, "a", "zzz")))
    return Wanted(
        since=some(first),
        until=some(last),
        updated_after=low if changed else None,
        updated_before=high if changed else None,
        categories=some(tuple(rnd.sample(CODES, rnd.randint(0, 2)))),
        shut=some(rnd.random() < 0.5),
        word=word,
        word_categories=(rnd.choice(CODES),) if word and rnd.random() < 0.5 else (),
        only_open311=rnd.random() < 0.2,
        offset=rnd.choice([0, 0, 3]),
        limit=rnd.choice([1000, 5]),
    )


def expected(rows: list[Row], wanted: Wanted) -> list[str]:
    """By a plain loop. Rows without a case changed when they were read here: now."""

    def fits(row: Row) -> bool:
        updated = row.updated or datetime.now(UTC)
        named = row.category in wanted.word_categories
        return (
            (wanted.since is None or row.made >= wanted.since)
            and (wanted.until is None or row.made <= wanted.until)
            and (wanted.updated_after is None or updated >= wanted.updated_after)
            and (wanted.updated_before is None or updated <= wanted.updated_before)
            and (wanted.categories is None or row.category in wanted.categories)
            and wanted.shut in (None, row.shut)
            and (wanted.word is None or named or (row.own and wanted.word in row.text))
            and (row.own or not wanted.only_open311)
        )

    found = sorted((row.id for row in rows if fits(row)), reverse=True)
    return found[wanted.offset : wanted.offset + wanted.limit]


@pytest.mark.parametrize("seed", [1, 2])
async def test_sql_finds_what_a_loop_finds(tracking: Tracking, seed: int) -> None:
    world = World(tracking, seed)
    await world.fill()
    rnd, hits = random.Random(seed), 0
    for _ in range(QUESTIONS):
        wanted = question(rnd)
        found = await request_sql.search(tracking.context.db, wanted)
        assert sorted(found, reverse=True) == expected(world.rows, wanted), wanted
        hits += bool(found)
    assert hits > QUESTIONS / 4
    by_id = Wanted(ids=tuple(UUID(row.id) for row in world.rows))
    assert set(await request_sql.search(tracking.context.db, by_id)) == {e.id for e in world.rows}


async def test_a_page_is_found_by_indexes(tracking: Tracking, env: Environment) -> None:
    wanted = [
        Wanted(since=datetime.now(UTC)),
        Wanted(only_open311=True),
        Wanted(categories=("06042",)),
        Wanted(word="x"),
    ]
    async with tracking.context.db.connection() as connection:
        await connection.execute("set enable_seqscan = off")
        for each in wanted:
            sql, values = request_sql.query(each)
            plan = "\n".join(r[0] for r in await connection.fetch(f"explain {sql}", *values))
            assert "Seq Scan" not in plan, plan
