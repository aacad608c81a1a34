"""Media: taken as a form's `file` or as the bare body; served as copies that tell nothing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.responses import StreamingResponse
from starlette.datastructures import UploadFile

from runtime.auth import allow
from runtime.errors import Problem, invalid_field, not_found
from runtime.idempotency import Answer, checked_key, claim, request_hash, store
from runtime.requests import MOST_BYTES
from runtime.tokens import Caller
from services.intake.adapters import media_sql
from services.intake.adapters.media_sql import Upload
from services.intake.adapters.media_store import MediaMissing, OpenedMedia
from services.intake.api.bodies import MEDIA_ID, MediaGiven
from services.intake.api.context import Context
from services.intake.api.floods import hold_back
from services.intake.api.problems import NOT_READY, PatientRoute, documents
from services.intake.api.reading import kind_of_body, patient
from services.intake.api.uploads import Examined, blocks, examine, keep, need_standing

FORM_OVERHEAD_BYTES = 64 * 1024
PEOPLE = ("reporter", "handler", "department", "operator")
WITH_CASES = {"handler", "department", "operator", "service"}
SUFFIXES = {"image/jpeg": "jpg", "audio/mpeg": "mp3", "audio/mp4": "m4a"}

Size = Literal["large", "small"]

_FILE = {"type": "string", "format": "binary"}
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["file"], "properties": {"file": _FILE}}
        },
        "application/octet-stream": {"schema": _FILE},
    },
}


def router(context: Context) -> APIRouter:
    """POST /v1/media and GET /v1/media/{id}."""
    routes = APIRouter(route_class=PatientRoute, tags=["media"])
    most_bytes = context.city.limits.photo_bytes + FORM_OVERHEAD_BYTES

    @routes.post(
        "/v1/media",
        status_code=201,
        response_model=MediaGiven,
        responses=documents(401, 403, 408, 413, 415, 422, 429, 503),
        openapi_extra={"requestBody": _BODY, MOST_BYTES: most_bytes},
    )
    async def upload(
        request: Request,
        caller: Annotated[Caller, allow(*PEOPLE)],
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> Response:
        """A photo or a voice note; the same bytes from the same caller keep their id."""
        context.need_room()
        await hold_back(context, "medium", request, caller)
        key = checked_key(idempotency_key)
        await need_standing(context, caller.sub)
        if kind_of_body(request) == "multipart/form-data":
            async with patient(request).form(max_files=1, max_fields=1) as form:
                file = form.get("file")
                if not isinstance(file, UploadFile) or len(form) > 1:
                    raise invalid_field("file", "需要且仅需要一个文件", "One file, nothing else")
                examined = await examine(context, blocks(file))
        else:
            examined = await examine(context, patient(request).stream())
        return (await _commit(context, caller.sub, key, examined)).response()

    @routes.get(
        "/v1/media/{media_id}",
        response_class=Response,
        responses=documents(401, 403, 404, 422, 503)
        | {200: {"content": {"image/jpeg": {}, "audio/*": {}}, "description": "The copy"}},
    )
    async def serve(
        media_id: Annotated[str, Path(pattern=MEDIA_ID)],
        caller: Annotated[Caller, allow(*PEOPLE, "service")],
        size: Size = "large",
    ) -> StreamingResponse:
        """A copy without metadata, for its sender and for those who work on cases."""
        return await served(context, media_id, caller, size)

    return routes


async def served(context: Context, media_id: str, caller: Caller, size: Size) -> StreamingResponse:
    """The copy, streamed. Raises 404 for what is not there, not the caller's or not ready."""
    row = await media_sql.one(context.db, media_id)
    if row is None or (row["owner"] != caller.sub and caller.role not in WITH_CASES):
        raise not_found()
    if row["state"] == "refused":
        raise not_found()
    if row["kind"] == "photo" and row["state"] != "served":
        raise Problem(NOT_READY, headers={"Retry-After": "1"})
    try:
        if row["kind"] == "voice":
            opened = await context.store.open_original(media_id)
        else:
            opened = await context.store.open_served(media_id, size)
    except MediaMissing as error:
        raise not_found() from error
    kind = row["content_type"] if row["kind"] == "voice" else "image/jpeg"
    return streamed(media_id, kind, opened)


async def _commit(context: Context, owner: str, key: str | None, examined: Examined) -> Answer:
    digest = request_hash("POST /v1/media", examined.stored.sha256)
    try:
        async with context.db.transaction() as connection:
            if key and (earlier := await claim(connection, owner, key, digest)):
                await context.store.delete(examined.stored.id)
                return earlier
            answer = Answer.of(201, described(await keep(context, connection, owner, examined)))
            if key:
                await store(connection, owner, key, answer)
    except Problem:
        await context.store.delete(examined.stored.id)
        raise
    return answer


def described(upload: Upload) -> dict[str, Any]:
    """A medium as its sender sees it."""
    return {
        "id": upload.id,
        "kind": upload.kind,
        "content_type": upload.content_type,
        "links": {"self": f"/v1/media/{upload.id}"},
    }


def streamed(
    media_id: str, content_type: str, opened: OpenedMedia, cache: str = "private, max-age=3600"
) -> StreamingResponse:
    """A file that no browser shows as a page, whatever is in it."""
    suffix = SUFFIXES.get(content_type, content_type.rpartition("/")[2])
    return StreamingResponse(
        opened.blocks,
        media_type=content_type,
        headers={
            "Content-Length": str(opened.size_bytes),
            "Content-Disposition": f'attachment; filename="{media_id}.{suffix}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": cache,
            "X-Content-Type-Options": "nosniff",
        },
    )
