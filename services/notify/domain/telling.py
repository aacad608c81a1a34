"""Who hears of a fact: the city's table of notices, row by row, each recipient once."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.cases import Case, CaseFact
from contracts.erasing import ERASED
from contracts.facts import Fact
from contracts.notice_table import ASKED, NoticeRow, NoticeTable
from services.notify.domain.subscribing import Subscribed

OPERATORS = "operators"
NOBODY = Subscribed()


def community(code: str) -> str:
    """The shared recipient of those who stand for a community, street or district."""
    return f"community:{code}"


def department(code: str) -> str:
    """The shared recipient of a department."""
    return f"department:{code}"


def asks(table: NoticeTable, fact: Fact) -> bool:
    """Whether those who subscribed may hear of it."""
    rows = table.rows.get(type(fact).__name__, ())
    return any(row.asked_for and holds(row, fact) for row in rows)


def told(table: NoticeTable, fact: Fact, asked: Subscribed = NOBODY) -> dict[str, NoticeRow]:
    """Recipient -> the row that tells them: the first in the table that names them.

    `asked`: who subscribed to such a case.
    """
    found: dict[str, NoticeRow] = {}
    for row in table.rows.get(type(fact).__name__, ()):
        if holds(row, fact):
            for who in row.to:
                for recipient in recipients(who, fact, asked):
                    if recipient != ERASED:
                        found.setdefault(recipient, row)
    return found


def holds(row: NoticeRow, fact: Fact) -> bool:
    """Whether every condition of the row has one of its values."""
    return all(_value(name, fact) in values for name, values in row.when.items())


def recipients(who: str, fact: Fact, asked: Subscribed = NOBODY) -> Iterator[str]:
    """The ids behind a word of the table's `to`, for this fact."""
    if isinstance(fact, CaseFact) and who in ASKED:
        # Who reported the case hears of it as its reporter.
        yield from asked.named(who) - {each.reporter_id for each in fact.case.reports}
    elif isinstance(fact, CaseFact):
        yield from _of_case(who, fact)
    elif who == "community":
        yield from (community(code) for code in _present(getattr(fact, "community", None)))
    else:
        yield from _present(getattr(fact, "reporter_id", None))


def _of_case(who: str, fact: CaseFact) -> Iterator[str]:
    case = fact.case
    if who == "reporters":
        yield from (each.reporter_id for each in case.reports)
    elif who in ("first-reporter", "asked-reporter"):
        yield from (each.reporter_id for each in case.reports[:1])
    elif who == "joined-reporter":
        joined = getattr(fact, "report_id", None)
        yield from (each.reporter_id for each in case.reports if each.report_id == joined)
    elif who == "watchers":
        yield from (community(code) for code in case.watchers)
    elif who == OPERATORS:
        yield OPERATORS
    else:
        yield from _owner(who, case)


def _owner(who: str, case: Case) -> Iterator[str]:
    if who == "community":
        yield from (community(code) for code in _present(case.community))
    else:
        yield from (department(code) for code in _present(case.department))


def _present(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


def _value(name: str, fact: Fact) -> str:
    """A condition's value as a lower-case word."""
    case = fact.case if isinstance(fact, CaseFact) else None
    if name == "owned" and case is not None:
        return _word(case.community is not None or case.department is not None)
    if name == "by":
        return str(getattr(getattr(fact, "by", None), "role", ""))
    holder = case if case is not None and name in ("state", "dangerous", "round") else fact
    return _word(getattr(holder, name, None))


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
