"""Everybody's reports in SQL, as other systems look for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.cases import OPEN311_STATUS
from contracts.city import OTHER
from runtime.db import Database

OPEN, SHUT = ([s for s, word in OPEN311_STATUS.items() if word == w] for w in ("open", "closed"))
_SHUT = ", ".join(f"'{state}'" for state in SHUT)

# One case answers for a report: a merged one only when it has no other (case_sql.OF_REPORTS_SQL).
# A report without a case is shut when the last word about it was that it is refused.
_FROM = f"""
from reports r
left join lateral (
    select c.state, c.category, (c.body->>'updated_at')::timestamptz as updated_at
    from case_reports member join cases c on c.id = member.case_id
    where member.report_id = r.id
    order by c.state = 'merged', member.joined_at desc, c.id limit 1
) c on true
cross join lateral (
    select max(f.at) as at,
        (array_agg(f.type order by f.seq desc)
            filter (where f.type <> 'ReportEnriched'))[1] as type,
        (array_agg(f.body->>'category' order by f.seq desc)
            filter (where f.body->>'category' is not null))[1] as category,
        bool_or(f.body ? 'open311') as open311,
        (array_agg(f.body->>'text' order by f.seq) filter (where f.seq = 1))[1] as text
    from report_facts f where f.report_id = r.id
) f
cross join lateral (
    select coalesce(c.updated_at, f.at) as updated_at,
        coalesce(c.category, f.category, '{OTHER}') as category,
        coalesce(c.state in ({_SHUT}), f.type = 'ReportRefused', false) as shut
) as is_now
"""  # noqa: S608 - constants
_ORDERED = "select r.id, is_now.updated_at {} {} order by r.id desc"
BY_ID_SQL = _ORDERED.format(_FROM, "where r.id = any ($1::uuid[])")
_PLAIN = "select id from reports where id >= {} and id < {}"
_OWN = """
select report_id as id from report_facts
where seq = 1 and body ? 'open311' and report_id >= {} and report_id < {}
"""
_SAID = _OWN + "and strpos(lower(coalesce(body->>'text', '')), {}) > 0"
_OF_CASES = """
select member.report_id as id from cases c join case_reports member on member.case_id = c.id
where member.report_id >= {} and member.report_id < {}
"""
_HAPPENED = "select case_id from case_events where at between {} and {}"
_WITHOUT_CASE = """
select r.id from reports r where r.id >= {} and r.id < {}
and not exists (select from case_reports member where member.report_id = r.id)
"""
LOWEST, HIGHEST = UUID(int=0), UUID(int=2**128 - 1)
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Everything set must hold; `ids`, when they are there, override all.

    `word` (lower case) stands in the text of what came through Open311, or the report's category
    is among `word_categories`. Instants are aware.
    """

    ids: tuple[UUID, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    categories: tuple[str, ...] | None = None
    shut: bool | None = None
    word: str | None = None
    word_categories: tuple[str, ...] = ()
    only_open311: bool = False
    offset: int = 0
    limit: int = 1000


def first_id(at: datetime) -> UUID:
    """The lowest UUIDv7 of that millisecond: ids of reports are in the order of their instants."""
    return UUID(int=max(0, min(int(at.timestamp() * 1000), 2**48 - 1)) << 80)


class _Query:
    """SQL with the values that its parameters stand for."""

    def __init__(self, wanted: Wanted) -> None:
        self.values: list[Any] = []
        self.wanted = wanted
        low = LOWEST if wanted.since is None else first_id(wanted.since)
        end = (
            HIGHEST if wanted.until is None else first_id(wanted.until + timedelta(milliseconds=1))
        )
        self.span = self.value(low), self.value(end)

    def value(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    def page(self) -> str:
        return f"offset {self.value(self.wanted.offset)} limit {self.value(self.wanted.limit)}"


def query(wanted: Wanted) -> tuple[str, list[Any]]:
    """The statement and its values.

    Reports that may be wanted are found by what has an index, then looked at newest first until
    the page is full.
    """
    made = _Query(wanted)
    if not _looks_inside(wanted):
        ids = (_OWN if wanted.only_open311 else _PLAIN).format(*made.span)
        sql = _FROM.replace("from reports r", f"from ({ids} order by id desc {made.page()}) r")
        return _ORDERED.format(sql, ""), made.values
    ids = " union ".join(_candidates(made))
    found = f"from (select id from ({ids}) u order by id desc) r"  # noqa: S608 - our own texts
    sql = _FROM.replace("from reports r", found)
    conditions = " and ".join(_conditions(made))
    return f"{_ORDERED.format(sql, 'where ' + conditions)} {made.page()}", made.values


def _looks_inside(wanted: Wanted) -> bool:
    asked = (wanted.categories, wanted.shut, wanted.updated_after, wanted.updated_before)
    return any(each is not None for each in (*asked, wanted.word))


def _candidates(made: _Query) -> list[str]:
    """Every report that may be wanted stands in one of these."""
    wanted, cases = made.wanted, _OF_CASES.format(*made.span)
    if wanted.shut is not None:
        cases += f" and c.state = any ({made.value(SHUT if wanted.shut else OPEN)}::text[])"
    if wanted.updated_after is not None or wanted.updated_before is not None:
        first = made.value(wanted.updated_after or EARLIEST)
        last = made.value(wanted.updated_before or LATEST)
        cases += f" and c.id in ({_HAPPENED.format(first, last)})"
    codes = wanted.word_categories if wanted.categories is None else wanted.categories
    if wanted.categories is not None or wanted.word is not None:
        cases += (
            f" and (c.category = any ({made.value(list(codes))}::text[]) or c.category is null)"
        )
    found = [cases, _WITHOUT_CASE.format(*made.span)]
    if wanted.word is not None and wanted.categories is None:
        found.append(_SAID.format(*made.span, made.value(wanted.word)))
    return found


def _conditions(made: _Query) -> list[str]:
    wanted, found = made.wanted, ["true"]
    if wanted.categories is not None:
        found.append(f"is_now.category = any ({made.value(list(wanted.categories))}::text[])")
    if wanted.shut is not None:
        found.append(f"is_now.shut = {made.value(wanted.shut)}")
    if wanted.updated_after is not None:
        found.append(f"is_now.updated_at >= {made.value(wanted.updated_after)}")
    if wanted.updated_before is not None:
        found.append(f"is_now.updated_at <= {made.value(wanted.updated_before)}")
    if wanted.word is not None:
        named = made.value(list(wanted.word_categories))
        said = f"f.open311 and strpos(lower(coalesce(f.text, '')), {made.value(wanted.word)}) > 0"
        found.append(f"(is_now.category = any ({named}::text[]) or ({said}))")
    if wanted.only_open311:
        found.append("f.open311")
    return found


async def search(db: Database, wanted: Wanted) -> dict[str, datetime]:
    """Ids of reports with the instant of the last thing that happened to each."""
    if wanted.ids is not None:
        rows = await db.fetch(BY_ID_SQL, list(wanted.ids))
    else:
        sql, values = query(wanted)
        rows = await db.fetch(sql, *values)
    return {str(row["id"]): row["updated_at"] for row in rows}
