"""A report as one form: fields, photos and a voice note in one go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from contracts.submissions import Media, MediaKind
from runtime.errors import Problem, invalid_field
from services.intake.api.accepting import checked_fields
from services.intake.api.bodies import ReportBody, inlined
from services.intake.api.context import Context
from services.intake.api.problems import NO_CONTENT, TOO_MANY_PHOTOS
from services.intake.api.reading import from_fields, patient
from services.intake.api.uploads import blocks, need_standing, take

MOST_FILES = 20
MOST_FIELDS = 40
FORM_OVERHEAD_BYTES = 1024 * 1024
PHOTO_NAMES = {"photo", "photos", *(f"photo{number}" for number in range(1, 10))}
PLACE_FIELDS = ("lat", "lon", "crs", "accuracy_m")
TEXT_FIELDS = ("text", "category", "observed_at")
JSON_FIELDS = ("place", "attributes")

Parts = list[tuple[MediaKind, UploadFile]]


def form_schema() -> dict[str, Any]:
    """The form for OpenAPI."""
    file = {"type": "string", "format": "binary"}
    fields = inlined(ReportBody)["properties"]
    place = fields["place"]["anyOf"][0]["properties"]
    names = {"photo": file, "photo1": file, "photo9": file, "voice": file}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: fields[name] for name in fields} | place | names,
    }


async def from_form(
    context: Context, reporter_id: str, request: Request
) -> tuple[ReportBody, list[Media]]:
    """The fields, and the media that now exist. Raises 413, 415, 422; fields are checked first."""
    limits = context.city.limits
    async with patient(request).form(
        max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=limits.json_bytes
    ) as form:
        body, parts = read(form)
        text = checked_fields(context, body)
        if not text and not parts and not body.media:
            raise Problem(NO_CONTENT)
        most = limits.photos_per_report
        if sum(kind == "photo" for kind, _ in parts) > most:
            raise Problem(TOO_MANY_PHOTOS, zh=f"最多 {most} 张", en=f"At most {most} photos")
        if parts:
            await need_standing(context, reporter_id)
        media = [
            (await take(context, reporter_id, blocks(file), kind)).media() for kind, file in parts
        ]
    return body, list({each.id: each for each in media}.values())


def read(form: FormData) -> tuple[ReportBody, Parts]:
    """Fields and files apart. Raises 422 for what does not belong here."""
    fields: dict[str, Any] = {}
    place: dict[str, str] = {}
    parts: Parts = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            parts.append((_kind(name), value))
        elif name in PLACE_FIELDS:
            place[name] = _once(place, name, value)
        elif name in TEXT_FIELDS:
            fields[name] = _once(fields, name, value)
        elif name in JSON_FIELDS:
            fields[name] = _json(name, _once(fields, name, value))
        elif name == "media":
            fields.setdefault("media", []).append(value)
        else:
            raise invalid_field(name[:80], "未知字段", "Unknown field")
    if place:
        if "place" in fields:
            raise invalid_field("place", "位置给了两次", "The place is given twice")
        fields["place"] = place
    return from_fields(ReportBody, fields), parts


def _kind(name: str) -> MediaKind:
    if name == "voice":
        return "voice"
    if name in PHOTO_NAMES:
        return "photo"
    raise invalid_field(name[:80], "未知文件", "Unknown file")


def _once(fields: dict[str, Any], name: str, value: str) -> str:
    if name in fields:
        raise invalid_field(name, "给了两次", "Given twice")
    return value


def _json(name: str, value: str) -> Iterator[Any] | Any:
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise invalid_field(name, "不是有效的 JSON", "Not valid JSON") from error
