"""The page of a case's states, from dispatch's golden table."""

from __future__ import annotations

from services.dispatch.domain.states import GOLDEN, TABLE, Row

HEAD = """\
# The states of a case

Generated from `services/dispatch/domain/states.py` by `python -m docs.generate`; do not edit.
Anything that does not stand here is answered 409 with what is allowed.

"""
MEANINGS = {
    "opened": "no owner found yet",
    "assigned": "in the queue of its owner",
    "accepted": "the owner took responsibility",
    "in-progress": "work began",
    "suspended": "the clock stands still",
    "resolved": "fixed, with an after-photo",
    "disputed": "the first reporter objects",
    "verified": "proven fixed",
    "closed": "the end",
    "refused": "not taken on, with a reason",
    "withdrawn": "taken back by its only reporter",
    "merged": "lives on in another case",
}
WHO = {
    "owner": "the owner's handlers",
    "watcher": "a street or district that watches",
    "operator": "operator",
    "first-reporter": "first reporter",
    "only-reporter": "only reporter",
    "reporter": "its reporters",
    "bystander": "any other reporter",
    "system": "time itself",
}
CONDITIONS = {
    "always": "",
    "not_disputed_yet": "once",
    "first_reopening_in_time": "once, within the city's `reopen_within_days` of the end",
    "not_made_safe": "once",
    "no_extension_asked": "while none waits for an answer",
    "extension_asked": "when one was asked",
    "question_asked": "when a question waits",
    "takes_more": "up to 500 reports",
    "has_joined_ones": "a report that joined",
    "has_no_objection_left": "after the city's `verify_after_h` without an objection",
}


def documents() -> dict[str, str]:
    """docs/states.md -> its text."""
    return {"docs/states.md": "\n".join([HEAD + diagram(), steps(), actions()])}


def diagram() -> str:
    """Mermaid: every step of the golden table; those with an action by its name."""
    lines = ["```mermaid", "stateDiagram-v2", '  state "in-progress" as in_progress']
    lines.append("  [*] --> opened: a report becomes a case")
    for state, following in GOLDEN.items():
        for other in following:
            names = ", ".join(_actions_between(state, other))
            lines.append(f"  {_id(state)} --> {_id(other)}" + (f": {names}" if names else ""))
        if not following:
            lines.append(f"  {_id(state)} --> [*]")
    return "\n".join([*lines, "```", ""])


def steps() -> str:
    """The golden table itself."""
    rows = ["| from | meaning | may become |", "| --- | --- | --- |"]
    rows += [
        f"| {state} | {MEANINGS[state]} | {', '.join(following) or '-'} |"
        for state, following in GOLDEN.items()
    ]
    return "\n".join([*rows, ""])


def actions() -> str:
    """Who may do what, from which states, and the facts that say so."""
    rows = [
        "## Who may do what",
        "",
        "| action | from | to | who | only | facts |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*rows, *(_row(row) for row in TABLE), ""])


def _row(row: Row) -> str:
    facts = ", ".join(step.fact.__name__ for step in row.steps)
    return (
        f"| {row.action} | {', '.join(row.froms)} | {_end(row) or 'the same'} "
        f"| {', '.join(WHO[who] for who in row.who)} | {CONDITIONS[row.given.__name__] or '-'} "
        f"| {facts} |"
    )


def _end(row: Row) -> str | None:
    return next((step.to for step in reversed(row.steps) if step.to), None)


def _actions_between(state: str, other: str) -> list[str]:
    """Actions whose way leads from the one state to the other next."""
    return list(dict.fromkeys(row.action for row in TABLE if (state, other) in _walked(row)))


def _walked(row: Row) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for start in row.froms:
        at: str = start
        for step in row.steps:
            for following in (step.through, step.to):
                if following is not None:
                    found.add((at, following))
                    at = following
    return found


def _id(state: str) -> str:
    return state.replace("-", "_")
