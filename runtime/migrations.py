"""Alembic for every service's schema, one at a time, under an advisory lock."""

from __future__ import annotations

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection

ROOT = Path(__file__).resolve().parent.parent


def migrate(url: str, service: str) -> list[str]:
    """Brings a service's schema to the newest revision; the revisions that were applied.

    `url` is the service role's own: what it makes belongs to it.
    """
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    scripts = ScriptDirectory(str(ROOT / "services" / service / "migrations"))
    try:
        with engine.begin() as connection:
            connection.execute(text("select set_config('search_path', :s, false)"), {"s": service})
            connection.execute(
                text("select pg_advisory_xact_lock(hashtext(:s), 2)"), {"s": service}
            )
            return _upgrade(connection, scripts, service)
    finally:
        engine.dispose()


def _upgrade(connection: Connection, scripts: ScriptDirectory, service: str) -> list[str]:
    applied: list[str] = []

    def steps(revision: object, _: object) -> list[object]:
        found = scripts._upgrade_revs("heads", revision)  # type: ignore[arg-type]
        applied.extend(str(step.revision.revision) for step in found)
        return list(found)

    context = MigrationContext.configure(
        connection, opts={"version_table_schema": service, "fn": steps}
    )
    with Operations.context(context):
        context.run_migrations()
    return applied
