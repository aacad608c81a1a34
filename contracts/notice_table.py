"""The shape of a city's table of notices: who hears what, in which words. Pure data."""

from __future__ import annotations

import msgspec

LANGUAGES = ("zh-CN", "en")
SUBSCRIBERS, FOLLOWERS = "subscribers", "followers"
ASKED = frozenset({SUBSCRIBERS, FOLLOWERS})
"""Who asked to hear of a case in any way, and who asked for that case itself. They have rows of
their own, with facts and nobody's words; who reported the case is told as its reporter."""

RECIPIENTS: dict[str, frozenset[str]] = {
    "observers": frozenset({"reporter", "community"}),
    "reports": frozenset({"reporter"}),
    "cases": frozenset(
        {
            "first-reporter",
            "reporters",
            "joined-reporter",
            "asked-reporter",
            "community",
            "department",
            "watchers",
            "operators",
            *ASKED,
        }
    ),
    "credits": frozenset({"reporter"}),
}
"""Topic -> who can be meant. `asked-reporter` is the first reporter; `watchers` are divisions."""

CONDITIONS: dict[str, frozenset[str]] = {
    "observers": frozenset({"by", "reason"}),
    "reports": frozenset({"reason"}),
    "cases": frozenset({"by", "reason", "state", "dangerous", "owned", "round", "fixed"}),
    "credits": frozenset({"reason"}),
}
"""Topic -> what a row's `when` may ask. `owned`: yes when somebody owns the case."""

PLACEHOLDERS: dict[str, frozenset[str]] = {
    "observers": frozenset({"community", "reason"}),
    "reports": frozenset({"code", "reason"}),
    "cases": frozenset(
        {"code", "category", "owner", "reason", "note", "accept_by", "resolve_by", "count", "place"}
    ),
    "credits": frozenset({"points", "balance", "reason", "voucher", "strikes"}),
}
"""Topic -> the words that a text may ask for in braces. `place` is the middle of a 100 m square."""
PRIVATE = frozenset({"note"})
"""Somebody's own words: not for those who only asked."""


class NoticeText(msgspec.Struct, frozen=True):
    """Title and body in one language, with placeholders or already filled in."""

    title: str
    body: str


class NoticeRow(msgspec.Struct, frozen=True, kw_only=True):
    """An event (when `when` holds) is told to `to`. `urgent` rings in quiet hours too.

    `when`: name -> the values that let the row through, as lower-case words.
    """

    event: str
    to: tuple[str, ...]
    when: dict[str, tuple[str, ...]]
    urgent: bool
    texts: dict[str, NoticeText]

    @property
    def asked_for(self) -> bool:
        """Whether it is for those who subscribed."""
        return not ASKED.isdisjoint(self.to)


class NoticeTable(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by event in the order of the file: the first that names a recipient tells it.

    `webhooks`: the types of events on `cases` that operators may subscribe to.
    """

    rows: dict[str, tuple[NoticeRow, ...]]
    webhooks: frozenset[str]
