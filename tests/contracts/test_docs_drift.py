"""Everything generated is committed, and is what the code generates today."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.topics import FACT
from docs import asyncapi
from docs.generate import ROOT, documents

DOCUMENTS = documents()


@pytest.mark.parametrize("path", sorted(DOCUMENTS))
def test_committed_is_generated(path: str) -> None:
    file = ROOT / path
    assert file.exists() and file.read_text() == DOCUMENTS[path], "python -m docs.generate"


@pytest.mark.parametrize("folder", ["docs/openapi", "contracts/schemas"])
def test_nothing_generated_is_left_over(folder: str) -> None:
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob("*.json")}
    assert there == {path for path in DOCUMENTS if path.startswith(folder)}


def test_asyncapi_refers_to_what_it_defines() -> None:
    document = asyncapi.tree()
    for pointer in refs(document):
        node: Any = document
        for part in pointer.removeprefix("#/").split("/"):
            node = node[part]
    assert set(document["components"]["messages"]) == set(FACT)


def refs(node: Any) -> list[str]:
    """Every `$ref` below a node."""
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [ref for value in node.values() for ref in refs(value)]
    return [ref for item in node for ref in refs(item)] if isinstance(node, list) else []
