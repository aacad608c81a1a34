"""What clients show before a report is made: categories with their questions, communities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Response

from contracts.city import Category, City, Community
from runtime.auth import allow
from runtime.errors import invalid_field
from runtime.http import decode_cursor, encode_cursor
from runtime.tokens import Caller
from services.intake.api.context import Context
from services.intake.api.problems import PatientRoute, documents

MOST_COMMUNITIES = 1000
MOST_OUTLINES = 100
Visitor = Annotated[Caller | None, allow("public")]
Known = Annotated[str | None, Header(alias="If-None-Match")]


def router(context: Context) -> APIRouter:
    """GET /v1/categories and /v1/communities, public, with an ETag."""
    routes = APIRouter(route_class=PatientRoute, tags=["city"])
    tag = f'"{context.city.version}"'
    tree = msgspec.json.encode(category_tree(context.city))

    @routes.get(
        "/v1/categories",
        response_class=Response,
        responses={304: {"description": "Not modified"}},
    )
    async def categories(_: Visitor, if_none_match: Known = None) -> Response:
        """Groups of categories, names in both languages, and the numbers to call in danger."""
        return cached(tree, tag, if_none_match)

    @routes.get(
        "/v1/communities",
        response_class=Response,
        responses=documents(422) | {304: {"description": "Not modified"}},
    )
    async def communities(
        _: Visitor,
        code: Annotated[str | None, Query(max_length=12)] = None,
        outlines: bool = False,
        limit: Annotated[int, Query(ge=1, le=MOST_COMMUNITIES)] = MOST_COMMUNITIES,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        if_none_match: Known = None,
    ) -> Response:
        """Communities by code. With `outlines`, GeoJSON geometries, at most 100 a page."""
        after = decode_cursor(cursor, str)[0] if cursor else ""
        if code is not None and code not in context.areas.communities:
            raise invalid_field("code", "没有这个社区", "There is no such community")
        everyone = context.areas.communities
        chosen = [everyone[code]] if code else [e for c, e in everyone.items() if c > after]
        page = chosen[: min(limit, MOST_OUTLINES if outlines else MOST_COMMUNITIES)]
        following = encode_cursor([page[-1].code]) if len(page) < len(chosen) else None
        own_tag = f'"{context.city.version}-{code or after}-{len(page)}-{int(outlines)}"'
        return cached(_page(context, page, following, outlines), own_tag, if_none_match)

    return routes


def cached(body: bytes, tag: str, known: str | None) -> Response:
    """The body, or 304 for a client that has it."""
    headers = {"ETag": tag, "Cache-Control": "public, max-age=300"}
    if known and tag in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json; charset=utf-8", headers=headers)


def _page(context: Context, page: Sequence[Community], cursor: str | None, outlines: bool) -> bytes:
    rows = []
    for each in page:
        row = msgspec.structs.asdict(each)
        if outlines:
            row["outline"] = msgspec.Raw(context.areas.outline(each.code))
        rows.append(row)
    whole = {"communities": rows, "synthetic": context.areas.synthetic, "cursor": cursor}
    return msgspec.json.encode(whole)


def category_tree(city: City) -> dict[str, Any]:
    """The groups in the city's order, each with its categories."""
    groups = [
        {"name": group, "categories": list(_of_group(city, group.zh))} for group in city.groups
    ]
    return {"version": city.version, "emergency": city.emergency, "groups": groups}


def _of_group(city: City, group: str) -> Iterator[dict[str, Any]]:
    for each in city.categories:
        if each.group.zh == group:
            yield _category(each)


def _category(each: Category) -> dict[str, Any]:
    return {
        "code": each.code,
        "name": each.name,
        "danger": each.danger,
        "department": each.department,
        "family": each.family,
        "questions": each.questions,
        "covers": each.covers,
    }
