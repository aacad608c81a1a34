"""Facts about notices sent to people and machines, keyed by recipient id."""

from __future__ import annotations

from contracts.facts import Fact
from contracts.notice_table import NoticeText


class NoticeFact(Fact, frozen=True, kw_only=True):
    """Shared: which event was told to whom by which channel.

    `about` is the event's subject (a case, report or reporter), `event` its type.
    """

    notice_id: str
    recipient_id: str
    channel: str
    about: str
    event: str

    def key(self) -> str:
        return self.recipient_id


class NoticeDelivered(NoticeFact, frozen=True, kw_only=True):
    """The recipient's side has it. `texts` by language are what a person reads (inbox only).

    `quiet`: do not ring now.
    """

    attempts: int = 1
    texts: dict[str, NoticeText] = {}
    event_id: str | None = None
    urgent: bool = False
    quiet: bool = False


class NoticeFailed(NoticeFact, frozen=True, kw_only=True):
    """Given up, with the reason."""

    reason: str
    attempts: int


EVENTS = (NoticeDelivered, NoticeFailed)
