"""Actions on cases as clients send them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests.integration.dispatch_set import Dispatch

JsonObject = dict[str, Any]


async def post(
    client: httpx.AsyncClient, case: JsonObject, action: str, key: str = "", **body: Any
) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    body = ({"revision": case["revision"]} if case["revision"] else {}) | body
    return await client.post(f"/v1/cases/{case['id']}/{action}", json=body, headers=headers)


async def done(client: httpx.AsyncClient, case: JsonObject, action: str, **body: Any) -> JsonObject:
    answer = await post(client, case, action, **body)
    assert answer.status_code == 200, answer.text
    found: JsonObject = answer.json()
    return found


async def resolved(dispatch: Dispatch, case: JsonObject) -> JsonObject:
    """Accepted, started and resolved by a handler."""
    handler_id = str(uuid4())
    client = dispatch.handler(case["community"], handler_id)
    case = await done(client, case, "accept")
    case = await done(client, case, "start")
    return await done(client, case, "resolve", media=[dispatch.album.photo(handler_id)])
