"""What each change of a case does to the figures, for some minutes."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    create table case_changes (
        made xid8 not null default pg_current_xact_id(),
        at timestamptz not null default clock_timestamp(),
        sign smallint not null,
        day date not null,
        community text not null,
        category text not null,
        state text not null,
        resolve_by timestamptz not null,
        accept_us bigint,
        resolve_us bigint,
        late boolean not null
    )
    """,
    "create index case_changes_made on case_changes (made)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
