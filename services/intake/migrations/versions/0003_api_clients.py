"""Other systems that report through an interface of their own, by keys."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Only the hash: a key is shown once and cannot be read out of this table.
    """
    create table api_clients (
        id uuid primary key default gen_random_uuid(),
        name text not null,
        key_hash bytea not null unique,
        created_at timestamptz not null default clock_timestamp(),
        revoked_at timestamptz
    )
    """,
    "create unique index api_clients_name on api_clients (name) where revoked_at is null",
    # `person` is an HMAC under the key itself, which is not here: nobody can be found by trying.
    """
    create table api_client_people (
        client_id uuid not null references api_clients on delete cascade,
        person bytea not null,
        reporter_id text not null references reporters on delete cascade,
        primary key (client_id, person)
    )
    """,
    "create index api_client_people_reporter on api_client_people (reporter_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
