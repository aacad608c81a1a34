"""Devices that joined a person."""

from __future__ import annotations

from alembic import op

from runtime.plumbing import links_v1

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in links_v1():
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
