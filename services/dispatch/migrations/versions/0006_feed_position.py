"""What is new on the streams is found by its position."""

from __future__ import annotations

from alembic import op

from runtime.plumbing import feed_reader_v1

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in feed_reader_v1():
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
