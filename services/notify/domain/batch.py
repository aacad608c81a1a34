"""What a batch of events touches: recipients, what they were told before, what they hear now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

import msgspec

from contracts.city import City
from contracts.facts import Event, InvalidEvent, new_event
from contracts.notice_table import NoticeRow, NoticeText
from contracts.notices import NoticeDelivered
from services.notify.domain.quiet import Preferences
from services.notify.domain.webhooks import Delivery, Filter

SERVICE = "notify"
INBOX = "inbox"
NOTICE_NAMESPACE = UUID("9a3f6b1c-27f4-5f5c-9c55-0c6f1d1f6b02")
MOST_ID = 100


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One event told to one recipient; `seq` counts the recipient's notices from 1.

    `report_id`: the chain's report, where the recipient may know it.
    """

    id: UUID
    recipient: str
    seq: int
    event_id: UUID
    type: str
    about: str
    correlation_id: str
    report_id: str | None
    urgent: bool
    quiet: bool
    texts: dict[str, NoticeText]
    at: datetime


@dataclass
class Recipient:
    """Who is told: a reporter's id, or a shared one (`community:…`, `department:…`, operators)."""

    id: str
    last_seq: int = 0
    preferences: Preferences = field(default_factory=Preferences)
    erased: bool = False


@dataclass
class State:
    """By event: who hears it by which row. By id: the recipients, locked."""

    now: datetime
    city: City
    offered: frozenset[str] = frozenset()
    told: dict[UUID, dict[str, NoticeRow]] = field(default_factory=dict)
    recipients: dict[str, Recipient] = field(default_factory=dict)
    known: set[tuple[UUID, str]] = field(default_factory=set)
    filters: list[Filter] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    erased: set[str] = field(default_factory=set)
    crowded: frozenset[UUID] = frozenset()
    """Events that too many subscribed to for this batch; `later` are those that hold."""
    later: list[Event] = field(default_factory=list)

    def hearers(self, event: Event) -> list[tuple[Recipient, NoticeRow]]:
        """Who has not heard of the event yet. Raises InvalidEvent for an id that is none."""
        told = self.told.get(event.event_id, {})
        for recipient in told:
            check_id(recipient)
        return [
            (self.recipients[each], row)
            for each, row in told.items()
            if (event.event_id, each) not in self.known and not self.recipients[each].erased
        ]


def check_id(recipient: str) -> None:
    """Raises InvalidEvent: an id names a feed, so it is short, visible and without a blank."""
    if not recipient or len(recipient) > MOST_ID or not recipient.isascii():
        raise InvalidEvent("a recipient's id is not usable")
    if any(char <= " " or char == "\x7f" for char in recipient):
        raise InvalidEvent("a recipient's id has a blank in it")


def feed_of(recipient: str) -> str:
    """The recipient's live stream."""
    return f"recipient:{recipient}"


def notice_id(event_id: UUID, recipient: str, channel: str) -> UUID:
    """The id of the business key (event, recipient, channel): a re-run makes it again."""
    return uuid5(NOTICE_NAMESPACE, f"{event_id}:{recipient}:{channel}")


def delivered(notice: Notice, traceparent: str | None) -> Event:
    """The event that says that the notice is in the inbox."""
    body = NoticeDelivered(
        notice_id=str(notice.id),
        recipient_id=notice.recipient,
        channel=INBOX,
        about=notice.about,
        event=notice.type,
        event_id=str(notice.event_id),
        texts=notice.texts,
        urgent=notice.urgent,
        quiet=notice.quiet,
    )
    return new_event(
        body,
        source=SERVICE,
        subject=str(notice.id),
        seq=1,
        occurred_at=notice.at,
        correlation_id=notice.correlation_id,
        traceparent=traceparent,
    )
