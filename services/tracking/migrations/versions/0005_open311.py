"""What came through Open311, without looking at everything else."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "create index report_facts_open311 on report_facts (report_id)"
        " where seq = 1 and body ? 'open311'"
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
