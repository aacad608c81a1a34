"""Floods are held back: 429 with the time to wait, before anything is read or written."""

from __future__ import annotations

import math

from fastapi import Request

from contracts.city import FloodBy, FloodOf
from runtime import metrics
from runtime.errors import TOO_MANY, Problem
from runtime.tokens import Caller
from services.intake.adapters import flood_sql
from services.intake.api.context import Context
from services.intake.domain.floods import buckets


async def hold_back(
    context: Context, of: FloodOf, request: Request, caller: Caller, count: int = 1
) -> None:
    """Counts `count` requests for a signed-in caller. Raises 429 when a bucket is empty."""
    by: dict[FloodBy, str] = {"reporter": caller.sub, "address": address_of(request)}
    if caller.session_id:
        by["device"] = caller.session_id
    await count_for(context, of, by, count)


async def count_for(
    context: Context, of: FloodOf, counted: dict[FloodBy, str], count: int = 1
) -> None:
    """Counts for whoever is named; nothing is taken when one bucket is empty. Raises 429."""
    if not context.settings.holds_floods_back:
        return
    empty = await flood_sql.draw(context.db, buckets(context.city.floods, of, counted), count)
    if empty is None:
        return
    metrics.FLOODS_TOTAL.labels(of, empty.by).inc()
    seconds = math.ceil(empty.wait_s)
    raise Problem(
        TOO_MANY,
        zh=f"请在 {seconds} 秒后重试，已填写的内容不会丢失",
        en=f"Please try again in {seconds} s; nothing that you typed is lost",
        headers={"Retry-After": str(seconds)},
    )


def address_of(request: Request) -> str:
    """Where the request came from, as the server was told by the gateway that it trusts."""
    return request.client.host if request.client else ""
