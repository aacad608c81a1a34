"""Statements that answer nothing and do not depend on each other, in one round trip."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from runtime.db import Connection

Statement = tuple[str, Sequence[object]]
"""An insert, update or delete, and the values of its $1, $2, ..."""

_PARAMETER = re.compile(r"\$(\d+)")


async def execute(connection: Connection, statements: Sequence[Statement]) -> None:
    """All of them on one snapshot, in no order: none may touch what another writes."""
    if not statements:
        return
    texts = tuple(sql for sql, _ in statements)
    counts = tuple(len(values) for _, values in statements)
    values = [value for _, each in statements for value in each]
    await connection.execute(joined(texts, counts), *values)


@cache
def joined(texts: tuple[str, ...], counts: tuple[int, ...]) -> str:
    """One statement with the parameters of all, numbered through."""
    parts, before = [], 0
    for sql, count in zip(texts, counts, strict=True):
        parts.append(_PARAMETER.sub(lambda found, by=before: f"${int(found[1]) + by}", sql))  # type: ignore[misc]
        before += count
    if len(parts) == 1:
        return parts[0]
    named = ", ".join(f"part_{n} as ({sql})" for n, sql in enumerate(parts[:-1]))
    return f"with {named} {parts[-1]}"
