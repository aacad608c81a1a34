"""People who are forgotten, for good."""

from __future__ import annotations

from alembic import op

from runtime.plumbing import erased_v1

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in erased_v1():
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
