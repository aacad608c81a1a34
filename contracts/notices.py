"""Facts about notices sent to people and machines, keyed by recipient id."""

from __future__ import annotations

from contracts.facts import Fact


class NoticeFact(Fact, frozen=True, kw_only=True):
    """Shared: which event was told to whom by which channel."""

    notice_id: str
    recipient_id: str
    channel: str
    about: str
    event: str

    def key(self) -> str:
        return self.recipient_id


class NoticeDelivered(NoticeFact, frozen=True, kw_only=True):
    """The recipient's side has it."""

    attempts: int = 1


class NoticeFailed(NoticeFact, frozen=True, kw_only=True):
    """Given up, with the reason."""

    reason: str
    attempts: int


EVENTS = (NoticeDelivered, NoticeFailed)
