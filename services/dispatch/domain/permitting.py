"""What a party may do with a case now, by the table of actions."""

from __future__ import annotations

from datetime import datetime

from contracts.cases import Case
from contracts.city import City
from services.dispatch.domain.parties import Party, relations
from services.dispatch.domain.states import TABLE, Action, Row


def allowed(case: Case, party: Party, now: datetime, city: City) -> tuple[Action, ...]:
    """The actions that the party may take now, in the table's order, each once."""
    roles = relations(case, party)
    found = (
        row.action
        for row in TABLE
        if case.state in row.froms and roles.intersection(row.who) and row.given(case, now, city)
    )
    return tuple(dict.fromkeys(found))


def row_for(case: Case, action: Action, party: Party, now: datetime, city: City) -> Row | None:
    """The row by which the party may do it now."""
    roles = relations(case, party)
    for row in TABLE:
        if row.action == action and case.state in row.froms and roles.intersection(row.who):
            return row if row.given(case, now, city) else None
    return None


def may_ever(action: Action, case: Case, party: Party) -> bool:
    """Whether the table lets such a party do this in any state."""
    roles = relations(case, party)
    return any(row.action == action and roles.intersection(row.who) for row in TABLE)
