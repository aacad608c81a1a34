"""What operators decided of reporters."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    "alter table reporters add column suspended_at timestamptz",
    "alter table reporters add column standing_reason text",
    "alter table reporters add column standing_since timestamptz",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
