"""The city's categories as Open311's services, and their questions as attributes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from contracts.city import Category, City, Question


def services(city: City, language: str, kind: str) -> list[dict[str, Any]]:
    """Every category, in the city's order; `kind` is realtime or batch."""
    return [_service(city, each, language, kind) for each in city.categories]


def _service(city: City, category: Category, language: str, kind: str) -> dict[str, Any]:
    return {
        "service_code": category.code,
        "service_name": name(city, category, language),
        "description": None,
        "metadata": bool(category.questions),
        "type": kind,
        "keywords": ", ".join(category.aliases),
        "group": category.group.to(language),
    }


def name(city: City, category: Category, language: str) -> str:
    """Unique: some clients skip services that share a name."""
    count = Counter(each.name.to(language) for each in city.categories)
    own = category.name.to(language)
    return own if count[own] == 1 else f"{own} ({category.code})"


def definition(category: Category, language: str) -> dict[str, Any]:
    """A service with its questions; none for a service without metadata."""
    return {
        "service_code": category.code,
        "attributes": [
            _attribute(at, each, language) for at, each in enumerate(category.questions, 1)
        ],
    }


def _attribute(order: int, question: Question, language: str) -> dict[str, Any]:
    return {
        "variable": True,
        "code": question.code,
        "datatype": question.datatype,
        "required": question.required,
        "datatype_description": None,
        "order": order,
        "description": question.description.to(language),
        "values": [{"key": v.key, "name": v.name.to(language)} for v in question.values],
    }
