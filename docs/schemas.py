"""Schemas of the events as committed, and whether a new one only grew."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from contracts.topics import TOPICS, Topic

Schema = dict[str, Any]


def documents() -> dict[str, str]:
    """contracts/schemas/<topic>.json -> its text."""
    return {
        f"contracts/schemas/{topic.name}.json": json.dumps(
            schema_of(topic), ensure_ascii=False, indent=1, sort_keys=True
        )
        + "\n"
        for topic in TOPICS
    }


def schema_of(topic: Topic) -> Schema:
    """JSON schema 2020-12 of all events of a topic, by name under `$defs`."""
    _, defs = msgspec.json.schema_components(topic.events, ref_template="#/$defs/{name}")
    return {"events": sorted(fact.__name__ for fact in topic.events), "$defs": defs}


def broken_promises(old: Schema, new: Schema) -> list[str]:
    """What a consumer or producer of `old` could no longer do with `new`; empty when it only grew.

    Grown means: no event and no field gone, no type narrower, no field newly required (old
    events must stay readable), none required before is optional now (old readers need it).
    """
    found = [f"event {name} is gone" for name in set(old["events"]) - set(new["events"])]
    for name, before in old["$defs"].items():
        after = new["$defs"].get(name)
        if after is None:
            found.append(f"type {name} is gone")
        else:
            found += _narrowed(name, before, after)
    return sorted(found)


def _narrowed(where: str, old: Schema, new: Schema) -> list[str]:
    if "properties" in old and "properties" in new:
        return _object(where, old, new)
    before, after = _alternatives(old), _alternatives(new)
    found = []
    for option in before:
        same_kind = [other for other in after if _kind(other) == _kind(option)]
        if option.get("type") == "integer":
            same_kind += [other for other in after if other.get("type") == "number"]
        if not same_kind:
            found.append(f"{where}: {_kind(option)} is no longer taken")
        elif all(_option_narrowed(option, other) for other in same_kind):
            found.append(f"{where}: {_kind(option)} is narrower")
    return found


def _object(where: str, old: Schema, new: Schema) -> list[str]:
    found = [
        f"{where}.{field} is gone" for field in set(old["properties"]) - set(new["properties"])
    ]
    required_before, required_now = set(old.get("required", ())), set(new.get("required", ()))
    found += [f"{where}.{field} is newly required" for field in required_now - required_before]
    found += [f"{where}.{field} is no longer given" for field in required_before - required_now]
    for field, before in old["properties"].items():
        if field in new["properties"]:
            found += _narrowed(f"{where}.{field}", before, new["properties"][field])
    return found


def _alternatives(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf", [schema]))


def _kind(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"])
    if "enum" in schema:
        return "string"
    return str(schema.get("type", "anything"))


def _option_narrowed(old: Schema, new: Schema) -> bool:
    if "enum" in new:
        return "enum" not in old or not set(old["enum"]) <= set(new["enum"])
    if new.get("format") not in (None, old.get("format")):
        return True
    for nested in ("items", "additionalProperties"):
        before, after = _inner(old, nested), _inner(new, nested)
        if before and after and _narrowed(nested, before, after):
            return True
    return any(
        limit in new and new[limit] != old.get(limit)
        for limit in ("minLength", "maxLength", "minimum", "maximum", "pattern", "maxItems")
    )


def _inner(schema: Schema, name: str) -> Schema:
    inner = schema.get(name)
    return inner if isinstance(inner, dict) else {}
