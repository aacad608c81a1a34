"""POST /v1/cases/{id}/<action>, and the same for many at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Body, Header, Response
from fastapi import Request as HttpRequest
from pydantic import ValidationError

from contracts.submissions import Crs
from runtime.auth import allow
from runtime.errors import FORBIDDEN, INVALID, FieldError, Language, Problem, language_of
from runtime.idempotency import checked_key
from runtime.steady import SteadyRoute
from runtime.tokens import Caller
from services.dispatch.api.acting import Request, act
from services.dispatch.api.answers import CaseGiven, ManyGiven, PublicCase
from services.dispatch.api.bodies import (
    BODIES,
    AnyBody,
    ByReporter,
    Dispute,
    Many,
    Reopen,
)
from services.dispatch.api.context import Context, documents
from services.dispatch.api.views import party_of
from services.dispatch.domain.states import TABLE, Action, Row

IdempotencyKey = Annotated[str | None, Header()]
Anybody = Annotated[Caller, allow("reporter", "handler", "department", "operator")]
PROBLEMS = documents(401, 403, 404, 409, 413, 422, 503)

_ROLES = {
    "owner": ("handler", "department"),
    "watcher": ("handler",),
    "operator": ("operator",),
    "first-reporter": ("reporter",),
    "only-reporter": ("reporter",),
    "reporter": ("reporter",),
    "bystander": ("reporter",),
    "system": (),
}


def roles_of(action: Action) -> tuple[str, ...]:
    """Whose tokens the route takes at all, by the golden table."""
    rows: list[Row] = [row for row in TABLE if row.action == action]
    return tuple(sorted({role for row in rows for who in row.who for role in _ROLES[who]}))


def router(context: Context) -> APIRouter:
    """One route an action."""
    routes = APIRouter(route_class=SteadyRoute, tags=["actions"])
    for action, body in BODIES.items():
        routes.post(
            f"/v1/cases/{{case_id}}/{action}",
            name=action,
            summary=f"{action}: {'; '.join(_wording(action))}",
            response_model=PublicCase if action == "check" else CaseGiven,
            responses=PROBLEMS,
        )(_route(context, action, body))

    @routes.post("/v1/cases/actions", response_model=ManyGiven, responses=PROBLEMS)
    async def many(
        http: HttpRequest,
        body: Many,
        caller: Anybody,
        crs: Crs = "wgs84",
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Up to 50 cases, one by one: each item has its own status and its own transaction."""
        key = checked_key(idempotency_key)
        language = language_of(http.headers.get("accept-language", ""))
        results = [
            await _one(context, caller, body.action, item, f"{key[:190]}/{n}" if key else None, crs)
            for n, item in enumerate(body.items)
        ]
        return _json({"results": [_told(each, language) for each in results]})

    return routes


def _route(
    context: Context, action: Action, body_type: type[AnyBody]
) -> Callable[..., Awaitable[Response]]:
    async def route(
        case_id: UUID,
        body: Any,
        caller: Caller,
        crs: Crs = "wgs84",
        idempotency_key: str | None = None,
    ) -> Response:
        key = checked_key(idempotency_key)
        request = Request(party_of(caller), case_id, action, body, key, crs)
        return (await act(context, request)).response()

    may_be_empty = body_type in (ByReporter, Dispute, Reopen)
    default = Body(default_factory=body_type) if may_be_empty else Body()
    route.__annotations__ |= {
        "case_id": UUID,
        "body": Annotated[body_type, default],
        "caller": Annotated[Caller, allow(*roles_of(action))],
        "crs": Crs,
        "idempotency_key": IdempotencyKey,
        "return": Response,
    }
    return route


def _wording(action: Action) -> list[str]:
    """From which states to which, for OpenAPI."""
    return [
        f"{', '.join(row.froms)} -> {row.steps[-1].to or 'the same'}"
        for row in TABLE
        if row.action == action
    ]


async def _one(
    context: Context,
    caller: Caller,
    action: Action,
    item: dict[str, Any],
    key: str | None,
    crs: Crs,
) -> dict[str, Any]:
    """One item's outcome; a Problem is a value here."""
    fields = dict(item)
    text = str(fields.pop("id", ""))[:64]
    try:
        if caller.role not in roles_of(action):
            raise Problem(FORBIDDEN)
        case_id = _uuid(text)
        body = BODIES[action].model_validate(fields)
        answer = await act(context, Request(party_of(caller), case_id, action, body, key, crs))
    except ValidationError as error:
        return {"id": text, "problem": Problem(INVALID, errors=_fields(error))}
    except Problem as problem:
        return {"id": text, "problem": problem}
    return {"id": text, "status": answer.status, "case": msgspec.Raw(answer.body)}


def _told(result: dict[str, Any], language: Language) -> dict[str, Any]:
    problem = result.pop("problem", None)
    if isinstance(problem, Problem):
        result |= {"status": problem.kind.status, "problem": problem.body(language)}
    return result


def _fields(error: ValidationError) -> list[FieldError]:
    return [
        FieldError(".".join(str(part) for part in each["loc"]), "内容不对", each["msg"])
        for each in error.errors()[:20]
    ]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        wrong = FieldError("id", "不是案件编号", "not the id of a case")
        raise Problem(INVALID, errors=[wrong]) from error


def _json(content: Any) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json; charset=utf-8")
