"""Reads a posted form: bounded, patient only so far, whatever else its client put into it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.types import Message

from runtime.errors import Language, Problem, language_of
from services.open311.api.answers import TOO_SLOW
from services.open311.domain.faults import faulty

IDLE_S = 10.0
MOST_FILES = 9
MOST_FIELDS = 400
MOST_FIELD_BYTES = 64 * 1024
PHOTOS = ("media", "photo")
KINDS = ("application/x-www-form-urlencoded", "multipart/form-data", "")


@dataclass(frozen=True)
class Sent:
    """Texts of form and query in order, and the photos by the names that they came under."""

    fields: list[tuple[str, str]]
    files: list[tuple[str, UploadFile]]
    language: Language


@asynccontextmanager
async def reading(request: Request, most_photos: int) -> AsyncIterator[Sent]:
    """The form, while it is open. Raises Faulty, 408."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise faulty("Content-Type", "请用表单", f"is none of {KINDS[0]}, {KINDS[1]}")
    patient = Request(request.scope, _patient(request))
    async with patient.form(
        max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=MOST_FIELD_BYTES
    ) as form:
        items = form.multi_items()
        fields = [(name, text) for name, text in items if isinstance(text, str)]
        fields += [(name, text) for name, text in request.query_params.multi_items()]
        files = [
            (name, file)
            for name, file in items
            if isinstance(file, UploadFile) and name.startswith(PHOTOS) and file.size
        ]
        if len(files) > most_photos:
            raise faulty("media", f"最多 {most_photos} 张", f"comes more than {most_photos} times")
        language = language_of(request.headers.get("accept-language", ""))
        yield Sent(fields, files, language)


def _patient(request: Request) -> Callable[[], Awaitable[Message]]:
    async def receive() -> Message:
        try:
            async with asyncio.timeout(IDLE_S):
                return await request.receive()
        except TimeoutError as error:
            raise Problem(TOO_SLOW) from error

    return receive
