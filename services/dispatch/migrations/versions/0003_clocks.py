"""When each case's next milestone is due, and which clocks wait for a calendar."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    "alter table cases add column due_at timestamptz",
    "alter table cases add column provisional boolean not null default false",
    # The timer finds out what of the older ones is due, and when they are due next.
    "update cases set due_at = clock_timestamp() where is_open",
    """
    update cases set provisional = true where body @> '{"clocks": {"provisional": true}}'
    """,
    "create index cases_due on cases (due_at) where due_at is not null",
    "create index cases_provisional on cases (id) where provisional and is_open",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
