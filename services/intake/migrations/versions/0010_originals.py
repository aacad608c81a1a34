"""Links by which originals are opened for a while, and who opened which."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    create table original_links (
        hash bytea primary key,
        media_id text not null,
        case_id uuid not null,
        given_to text not null,
        role text not null,
        expires_at timestamptz not null
    )
    """,
    "create index original_links_expiry on original_links (expires_at)",
    """
    create table original_openings (
        id bigint generated always as identity primary key,
        media_id text not null,
        case_id uuid not null,
        given_to text not null,
        role text not null,
        opened_at timestamptz not null default clock_timestamp()
    )
    """,
    "create index original_openings_media on original_openings (media_id, id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
