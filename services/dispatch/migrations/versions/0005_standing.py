"""Who may not join or check cases for now."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table standing (
            reporter_id text primary key,
            suspended boolean not null,
            seq integer not null
        )
        """
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
