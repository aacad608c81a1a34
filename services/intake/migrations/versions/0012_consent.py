"""Which terms a reporter agreed to, and when."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table reporters add column consent text, add column consented_at timestamptz")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
