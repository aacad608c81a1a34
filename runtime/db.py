"""PostgreSQL through one small pool per process; which failures are worth a retry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import asyncpg
import msgspec

Connection = Any
"""An asyncpg connection, pooled or not (its stubs know two unrelated classes for the two)."""

TRANSIENT_CLASSES = frozenset({"08", "40", "53", "57"})
TRANSIENT_CODES = frozenset({"55P03", "25P03"})
"""A lock that was not given in time; a transaction that was ended because its owner was idle."""
IDLE_IN_TRANSACTION = "10s"
"""A process that is frozen within a transaction holds its row locks no longer than this."""
DATA_CLASSES = frozenset({"22", "23"})
DYING = "another operation (2) is in progress"
"""asyncpg of a connection whose server said a fatal word and is gone before the end of it."""


def sqlstate(error: BaseException) -> str:
    """The five characters PostgreSQL gave, or an empty text."""
    return str(getattr(error, "sqlstate", None) or "")


def is_transient(error: BaseException) -> bool:
    """Lost connection, serialization, deadlock, disk full, shutdown, lock timeout: retry."""
    code = sqlstate(error)
    if code:
        return code[:2] in TRANSIENT_CLASSES or code in TRANSIENT_CODES
    if isinstance(error, asyncpg.InternalClientError):
        return DYING in str(error)
    return isinstance(error, OSError | TimeoutError | asyncio.TimeoutError) or (
        isinstance(error, asyncpg.InterfaceError) and "clos" in str(error)
    )


def is_data_error(error: BaseException) -> bool:
    """A row that SQL refuses (classes 22 and 23): no retry makes it good."""
    return sqlstate(error)[:2] in DATA_CLASSES


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
    )


async def nothing_to_reset(_: Connection) -> None:
    """Locks and settings end with their transaction here, and nobody listens on a pooled one.

    (An open transaction is rolled back all the same.) It saves a round trip at every release.
    """


class Database:
    """A pool whose connections see one schema. jsonb columns come and go as Python values."""

    def __init__(self, pool: asyncpg.Pool, *, url: str, schema: str) -> None:
        self._pool = pool
        self._url = url
        self.schema = schema

    @classmethod
    async def connect(cls, url: str, *, schema: str, size: int = 4) -> Self:
        """Opens `size` connections at most, at least one; raises what asyncpg raises."""
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            init=_prepare,
            reset=nothing_to_reset,
            command_timeout=30,
            server_settings={
                "search_path": schema,
                "application_name": f"yizhan-{schema}",
                "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
            },
        )
        return cls(pool, url=url, schema=schema)

    async def session(self) -> Connection:
        """A connection of its own outside the pool, for locks and LISTEN; the caller closes it."""
        connection = await asyncpg.connect(
            self._url,
            timeout=5,
            command_timeout=10,
            server_settings={
                "search_path": self.schema,
                "application_name": f"yizhan-{self.schema}-session",
                "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
                "tcp_keepalives_idle": "5",
                "tcp_keepalives_interval": "2",
                "tcp_keepalives_count": "3",
            },
        )
        await _prepare(connection)
        return connection

    @asynccontextmanager
    async def transaction(self, first: str = "") -> AsyncIterator[Connection]:
        """One connection in one READ COMMITTED transaction.

        `first` is a statement without parameters and answer, sent with the BEGIN: one round trip.
        """
        async with self._pool.acquire(timeout=10) as connection:
            try:
                await connection.execute(f"begin; {first}")
                yield connection
            except BaseException:
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    await connection.execute("rollback")
                raise
            await connection.execute("commit")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection, each statement its own transaction."""
        async with self._pool.acquire(timeout=10) as connection:
            yield connection

    async def fetch(self, sql: str, *args: object) -> list[Any]:
        """All rows of one statement."""
        return await self._pool.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> Any:
        """The first row of one statement, or None."""
        return await self._pool.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first value of one statement, or None."""
        return await self._pool.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> str:
        """Runs one statement; PostgreSQL's command tag."""
        return await self._pool.execute(sql, *args)

    async def changed(self, sql: str, *args: object) -> int:
        """Runs one statement; how many rows it took, by PostgreSQL's command tag."""
        return int((await self.execute(sql, *args)).split()[-1])

    async def close(self) -> None:
        """Closes the pool; connections in use get 5 s."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()
