"""Which failures of the database are worth a retry."""

from __future__ import annotations

import asyncpg
import pytest
from asyncpg.exceptions import (
    AdminShutdownError,
    CharacterNotInRepertoireError,
    UndefinedTableError,
    UniqueViolationError,
)

from runtime.db import is_data_error, is_transient

DYING = asyncpg.InternalClientError(
    "cannot switch to state 12; another operation (2) is in progress"
)
MISUSED = asyncpg.InternalClientError(
    "cannot switch to state 12; another operation (11) is in progress"
)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (AdminShutdownError("killed"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (DYING, True),
        (MISUSED, False),
        (asyncpg.InterfaceError("wrong argument"), False),
        (UndefinedTableError("a bug"), False),
        (UniqueViolationError("twice"), False),
        (KeyError("a bug"), False),
    ],
    ids=repr,
)
def test_what_passes_by_itself(error: Exception, transient: bool) -> None:
    assert is_transient(error) is transient


@pytest.mark.parametrize("kind", [UniqueViolationError, CharacterNotInRepertoireError])
def test_what_sql_refuses_is_the_datas_fault(kind: type[Exception]) -> None:
    assert is_data_error(kind("row")) and not is_transient(kind("row"))
