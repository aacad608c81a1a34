"""What clients get, as OpenAPI shows it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from contracts.submissions import Crs
from services.notify.adapters.delivery_sql import DeliveryState
from services.notify.domain.quiet import Language


class NoticeGiven(BaseModel):
    """A notice in the language of the answer. `quiet`: it came in the recipient's quiet hours.

    `type` is the event's; `about` the id of its case, report or observer. `report_id` is null
    where a subscription told it: the report is somebody else's.
    """

    id: str
    type: str
    about: str
    report_id: str | None
    title: str
    body: str
    language: Language
    urgent: bool
    quiet: bool
    at: datetime
    read_at: datetime | None


class InboxGiven(BaseModel):
    """The newest first; `unread` counts all of the inbox."""

    recipient: str
    notices: list[NoticeGiven]
    unread: int
    cursor: str | None


class QuietHoursGiven(BaseModel):
    """HH:MM in the city's time."""

    begin: str
    end: str


class ChannelsGiven(BaseModel):
    """Where notices go."""

    inbox: bool
    stream: bool


class PreferencesGiven(BaseModel):
    """`language` null: as the request says, else Chinese."""

    language: Language | None
    quiet_hours: QuietHoursGiven | None
    channels: ChannelsGiven


class CircleGiven(BaseModel):
    """Degrees in `crs`, metres."""

    lat: float
    lon: float
    crs: Crs
    radius_m: int


class NamedGiven(BaseModel):
    """A code, and what people call it."""

    code: str
    name: str


class SubscriptionGiven(BaseModel):
    """What is asked for: one case; or an area, a division, or neither, narrowed by a category."""

    id: str
    case: str | None
    area: CircleGiven | None
    division: NamedGiven | None
    category: NamedGiven | None
    created_at: datetime


class SubscriptionsGiven(BaseModel):
    """The oldest first; `most` is how many a person may have."""

    subscriptions: list[SubscriptionGiven]
    most: int


class WebhookGiven(BaseModel):
    """A webhook; `secret` is given once, when it is made or rotated."""

    id: str
    url: str
    description: str
    event_types: list[str]
    communities: list[str]
    categories: list[str]
    active: bool
    created_at: datetime
    updated_at: datetime
    previous_secret_until: datetime | None
    secret: str | None = None


class WebhooksGiven(BaseModel):
    """All of them; `event_types` is what can be subscribed to."""

    webhooks: list[WebhookGiven]
    event_types: list[str]


class DeliveryGiven(BaseModel):
    """One event on its way to one webhook; `id` is its `webhook-id` header."""

    id: str
    event_id: str
    type: str
    about: str
    state: DeliveryState
    attempts: int
    last_status: int | None
    last_error: str | None
    last_at: datetime | None
    took_ms: int | None
    created_at: datetime


class DeliveriesGiven(BaseModel):
    """The newest first."""

    deliveries: list[DeliveryGiven]
    cursor: str | None
