"""Reads the bodies that FastAPI does not read for us: bounded, patient only so far."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from runtime.errors import TOO_LARGE, FieldError, Problem
from services.intake.api.problems import TOO_SLOW

IDLE_S = 10.0
"""The longest pause between two chunks of a body."""

M = TypeVar("M", bound=BaseModel)


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises 408 after a pause."""
    stream = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(IDLE_S):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise Problem(TOO_SLOW) from error
        yield chunk


async def whole(request: Request, most_bytes: int) -> bytes:
    """A small body in memory, all of it within 10 s. Raises 413, 408."""
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
        raise RequestValidationError(
            error.errors(include_url=False, include_input=False)
        ) from error


def from_fields(model: type[M], fields: Mapping[str, Any], *, strict: bool = False) -> M:
    """From a form's texts, or `strict` from values that were JSON. Raises as `from_json`."""
    try:
        return model.model_validate(dict(fields), strict=strict or None)
    except ValidationError as error:
        raise RequestValidationError(
            error.errors(include_url=False, include_input=False)
        ) from error


def kind_of_body(request: Request) -> str:
    """The content type without its parameters, lower case; empty when there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _invalid(error: ValidationError) -> RequestValidationError:
    # Without the input: it may be personal, and nobody needs it back.
    return RequestValidationError(error.errors(include_url=False, include_input=False))


def field_errors(error: RequestValidationError) -> list[FieldError]:
    """What is wrong inside one item of a batch."""
    return [
        FieldError(".".join(map(str, each["loc"])), "内容有误", str(each["msg"]))
        for each in error.errors()[:50]
    ]
