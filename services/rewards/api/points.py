"""A reporter's own points: the balance and the lines that make it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from runtime.auth import allow
from runtime.errors import documents
from runtime.http import decode_number, encode_cursor
from runtime.steady import SteadyRoute
from runtime.tokens import Caller
from services.rewards.adapters import ledger_sql
from services.rewards.api.answers import EntriesGiven, PointsGiven
from services.rewards.api.context import Context
from services.rewards.domain.book import local_month

Reporter = Annotated[Caller, allow("reporter")]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=400)]


def router(context: Context) -> APIRouter:
    """GET /v1/me/points, /v1/me/points/entries."""
    routes = APIRouter(route_class=SteadyRoute, tags=["points"])

    @routes.get("/v1/me/points", response_model=PointsGiven, responses=documents(401, 403, 503))
    async def my_points(caller: Reporter) -> dict[str, Any]:
        """The caller's balance, this month of the city's calendar, and what waits."""
        month = local_month(context.clock(), context.zone)
        row = await ledger_sql.standing(context.db, caller.sub, month)
        cap = row["cap"] if row and row["cap"] else context.city.rewards.month_cap
        due = row["month_due"] if row else 0
        return {
            "balance": row["balance"] if row else 0,
            "month": month,
            "month_points": min(cap, due),
            "beyond_cap": max(0, due - cap),
            "cap": cap,
            "pending": row["pending"] if row else 0,
            "strikes": row["strikes"] if row else 0,
        }

    @routes.get(
        "/v1/me/points/entries",
        response_model=EntriesGiven,
        responses=documents(401, 403, 422, 503),
    )
    async def my_entries(
        caller: Reporter, limit: Limit = 50, cursor: Cursor = None
    ) -> dict[str, Any]:
        """The caller's lines of the ledger, newest first."""
        before = decode_number(cursor) if cursor else None
        rows = await ledger_sql.entries(context.db, caller.sub, before, limit + 1)
        more = encode_cursor((rows[limit - 1]["id"],)) if len(rows) > limit else None
        return {"entries": [_line(row) for row in rows[:limit]], "cursor": more}

    return routes


def _line(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "at": row["at"],
        "case_id": row["subject_id"],
        "report_id": row["report_id"],
        "reason": row["reason"].removesuffix(f"-{row['step']}"),
        "round": row["round"],
        "step": row["step"],
        "points": row["points"],
        "pending": row["pending"],
        "due": row["due"],
        "month": row["month"],
        "balance": row["balance"],
    }
