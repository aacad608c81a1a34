"""By what a photo is found again: keys to look it up by, and a fingerprint to compare."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table media add column fingerprint bit(256), add column likeness int[]")
    op.execute("create index media_likeness on media using gin (likeness)")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
