"""What is said in a report's voice note."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table reports add column transcript text")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
