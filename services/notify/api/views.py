"""From rows to what clients get."""

from __future__ import annotations

import re
from typing import Any

from fastapi import Request

from contracts.city import City
from contracts.notices import NoticeDelivered
from contracts.places import from_wgs84
from contracts.submissions import Crs
from runtime.errors import language_of
from runtime.tokens import Caller
from services.notify.adapters.delivery_sql import Line
from services.notify.adapters.inbox_sql import Item
from services.notify.adapters.subscription_sql import Subscription
from services.notify.adapters.webhook_sql import Webhook
from services.notify.domain.quiet import Language, Preferences, clock
from services.notify.domain.telling import OPERATORS, community, department

DIGITS = 6
OURS = re.compile(r"(?:^|[,\s])(?:zh|en)\b")


def inboxes_of(caller: Caller) -> list[str]:
    """The caller's own inbox first, then those that they share."""
    shared = [community(code) for code in sorted(caller.communities)]
    shared += [department(code) for code in sorted(caller.departments)]
    if caller.role == "operator":
        shared.append(OPERATORS)
    return [caller.sub, *shared]


def language(request: Request, preferences: Preferences) -> Language:
    """What Accept-Language names, else what is stored, else Chinese."""
    header = request.headers.get("accept-language", "").lower()
    if OURS.search(header):
        return language_of(header)
    return preferences.language or "zh-CN"


def notice(item: Item, spoken: Language) -> dict[str, Any]:
    """NoticeGiven."""
    text = item.texts[spoken]
    return {
        "id": str(item.id),
        "type": item.type,
        "about": item.about,
        "report_id": item.report_id,
        "title": text["title"],
        "body": text["body"],
        "language": spoken,
        "urgent": item.urgent,
        "quiet": item.quiet,
        "at": item.created_at,
        "read_at": item.read_at,
    }


def live(fact: NoticeDelivered, spoken: Language) -> dict[str, Any]:
    """A notice on the live stream; times and read marks are the inbox's."""
    text = fact.texts[spoken]
    return {
        "id": fact.notice_id,
        "type": fact.event,
        "about": fact.about,
        "title": text.title,
        "body": text.body,
        "language": spoken,
        "urgent": fact.urgent,
        "quiet": fact.quiet,
    }


def preferences(wanted: Preferences) -> dict[str, Any]:
    """PreferencesGiven."""
    quiet = None
    if wanted.quiet_from is not None and wanted.quiet_until is not None:
        quiet = {"begin": clock(wanted.quiet_from), "end": clock(wanted.quiet_until)}
    return {
        "language": wanted.language,
        "quiet_hours": quiet,
        "channels": {"inbox": True, "stream": wanted.stream},
    }


def subscription(found: Subscription, city: City, crs: Crs) -> dict[str, Any]:
    """SubscriptionGiven."""
    target = found.target
    area = None
    if target.circle is not None:
        lat, lon = from_wgs84(target.circle.lat, target.circle.lon, crs)
        area = {"lat": round(lat, DIGITS), "lon": round(lon, DIGITS), "crs": crs}
        area |= {"radius_m": target.circle.radius_m}
    division = city.divisions.get(target.division or "")
    category = city.category(target.category)
    return {
        "id": str(found.id),
        "case": target.case_id,
        "area": area,
        "division": _named(target.division, division.name if division else ""),
        "category": _named(target.category, category.name.zh if category else ""),
        "created_at": found.created_at,
    }


def _named(code: str | None, name: str) -> dict[str, str] | None:
    """By its code alone when the city no longer has it."""
    return {"code": code, "name": name or code} if code else None


def webhook(found: Webhook, secret: str | None = None) -> dict[str, Any]:
    """WebhookGiven."""
    given = {
        "id": str(found.id),
        "url": found.url,
        "description": found.description,
        "event_types": found.event_types,
        "communities": found.communities,
        "categories": found.categories,
        "active": found.active,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "previous_secret_until": found.previous_until,
    }
    return given if secret is None else given | {"secret": secret}


def delivery(line: Line) -> dict[str, Any]:
    """DeliveryGiven."""
    return {
        "id": str(line.id),
        "event_id": str(line.event_id),
        "type": line.type,
        "about": line.about,
        "state": line.state,
        "attempts": line.attempts,
        "last_status": line.last_status,
        "last_error": line.last_error,
        "last_at": line.last_at,
        "took_ms": line.took_ms,
        "created_at": line.created_at,
    }
