"""Signed-in people by issuer and a hash of what the issuer calls them; devices that joined them."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    create table identities (
        issuer text not null,
        subject_hash bytea not null,
        reporter_id text not null references reporters on delete cascade,
        created_at timestamptz not null default clock_timestamp(),
        primary key (issuer, subject_hash)
    )
    """,
    "create index identities_reporter on identities (reporter_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
