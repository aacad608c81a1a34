"""Reads the bodies that FastAPI does not read for us: bounded, patient only so far."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.types import Message

from runtime.errors import TOO_LARGE, FieldError, Problem
from services.intake.api.problems import TOO_SLOW

IDLE_S = 10.0
"""The longest pause between two pieces of a body; a small body has this long in all."""

M = TypeVar("M", bound=BaseModel)


def patient(request: Request) -> Request:
    """The same request, whose body may pause for 10 s at most. Reading raises 408 then."""

    async def receive() -> Message:
        try:
            async with asyncio.timeout(IDLE_S):
                return await request.receive()
        except TimeoutError as error:
            raise Problem(TOO_SLOW) from error

    return Request(request.scope, receive)


async def whole(request: Request, most_bytes: int) -> bytes:
    """A small body in memory. Raises 413, 408."""
    body = b""
    try:
        async with asyncio.timeout(IDLE_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most_bytes:
                    raise Problem(TOO_LARGE)
    except TimeoutError as error:
        raise Problem(TOO_SLOW) from error
    return body


def from_json(model: type[M], raw: bytes) -> M:
    """Strictly: a number is no text, a text is no number. Raises RequestValidationError (422)."""
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise _invalid(error) from error


def from_fields(model: type[M], fields: Mapping[str, Any]) -> M:
    """From a form's texts. Raises as `from_json`."""
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        raise _invalid(error) from error


def kind_of_body(request: Request) -> str:
    """The content type without its parameters, lower case; empty when there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def field_errors(error: RequestValidationError) -> list[FieldError]:
    """What is wrong inside one item of a batch."""
    return [
        FieldError(".".join(map(str, each["loc"])), "内容有误", str(each["msg"]))
        for each in error.errors()[:50]
    ]


def _invalid(error: ValidationError) -> RequestValidationError:
    # Without the input: it may be personal, and nobody needs it back.
    return RequestValidationError(error.errors(include_url=False, include_input=False))
