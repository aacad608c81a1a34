"""What the operator's searches have in common: their parameters, checked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, get_args
from uuid import UUID

from fastapi import Depends, Query
from pydantic import AwareDatetime

from contracts.cases import CaseState
from contracts.places import to_wgs84
from contracts.submissions import Crs
from runtime.auth import allow
from runtime.errors import invalid_field
from runtime.http import decode_cursor, encode_cursor
from runtime.tokens import Caller
from services.tracking.adapters.search_sql import Position
from services.tracking.domain.searching import Box, Sought, words_of

Operator = Annotated[Caller, allow("operator")]
States = Annotated[list[CaseState] | None, Query(max_length=len(get_args(CaseState)))]
Codes = Annotated[list[Annotated[str, Query(max_length=64)]] | None, Query(max_length=50)]
BBOX = "Corners west,south,east,north in degrees of `crs`"


def sought(
    bbox: Annotated[str | None, Query(max_length=120, description=BBOX)] = None,
    state: States = None,
    category: Codes = None,
    community: Codes = None,
    overdue: bool | None = None,
    since: AwareDatetime | None = None,
    q: Annotated[str | None, Query(max_length=100)] = None,
    crs: Crs = "wgs84",
) -> Sought:
    """Raises 422 for a box that is none and for words of one character only."""
    words = words_of(q or "")
    if words and all(len(each) < 2 for each in words):
        raise invalid_field("q", "请至少输入两个字", "At least one word of two characters")
    texts = [*words, *(category or ()), *(community or ())]
    if any("\0" in each for each in texts):
        raise invalid_field("q", "内容不对", "A character that no case has")
    if since is not None and not 2000 <= since.year <= 2200:
        raise invalid_field("since", "日期超出范围", "Out of range")
    return Sought(
        box=_box(bbox, crs) if bbox else None,
        states=tuple(state or ()),
        categories=tuple(category or ()),
        communities=tuple(community or ()),
        overdue=overdue,
        since=since,
        words=words,
    )


What = Annotated[Sought, Depends(sought)]


def _box(text: str, crs: Crs) -> Box:
    wrong = invalid_field("bbox", "格式：西,南,东,北", "Write west,south,east,north")
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise wrong from error
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise wrong
    south, west = to_wgs84(south, west, crs)
    north, east = to_wgs84(north, east, crs)
    return Box(west=west, south=south, east=east, north=north)


def position(cursor: str | None) -> Position | None:
    """Raises 422 for a cursor that is not ours."""
    return Position(*decode_cursor(cursor, datetime, UUID)) if cursor else None


def cursor_of(at: Position) -> str:
    """The opaque text of a position."""
    return encode_cursor((at.opened_at.isoformat(), str(at.id)))
