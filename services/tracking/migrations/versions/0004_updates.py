"""What happened between two instants, whatever the case."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index case_events_at on case_events (at, case_id, seq)")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
