"""Observers who registered with a community or street."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Counts the events on `observers` about a reporter; raised while the row is locked.
    "alter table reporters add column observer_seq integer not null default 0",
    """
    create table registrations (
        id uuid primary key,
        code text not null unique,
        reporter_id text not null references reporters on delete cascade,
        community text not null,
        state text not null check (state in ('pending', 'confirmed', 'refused')),
        registered_at timestamptz not null,
        decided_at timestamptz,
        reason text
    )
    """,
    """
    create unique index registrations_one on registrations (reporter_id)
    where state in ('pending', 'confirmed')
    """,
    "create index registrations_reporter on registrations (reporter_id, registered_at)",
    """
    create index registrations_community on registrations (community, state, registered_at, id)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
