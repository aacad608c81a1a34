"""Recipients and their inboxes; webhooks and the log of their deliveries."""

from __future__ import annotations

from alembic import op

from runtime.plumbing import lanes_v1, statements_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    # A reporter's id, or a shared one: community:<code>, department:<code>, operators.
    # `last_seq` counts its notices; a row outlives its erasure.
    """
    create table recipients (
        id text primary key,
        last_seq bigint not null default 0,
        language text,
        quiet_from smallint,
        quiet_until smallint,
        stream boolean not null default true,
        erased_at timestamptz
    ) with (fillfactor = 80)
    """,
    """
    create table notices (
        event_id uuid not null,
        recipient text not null,
        channel text not null,
        id uuid not null unique,
        seq bigint not null,
        type text not null,
        about text not null,
        correlation_id text not null,
        urgent boolean not null,
        quiet boolean not null,
        texts jsonb not null,
        created_at timestamptz not null,
        read_at timestamptz,
        primary key (event_id, recipient, channel)
    )
    """,
    "create index notices_inbox on notices (recipient, seq desc)",
    "create index notices_unread on notices (recipient, seq desc) where read_at is null",
    "create index notices_age on notices (created_at)",
    """
    create table webhooks (
        id uuid primary key,
        url text not null,
        description text not null,
        event_types text[] not null,
        communities text[] not null,
        categories text[] not null,
        active boolean not null,
        secret text not null,
        previous_secret text,
        previous_until timestamptz,
        created_by text not null,
        created_at timestamptz not null default clock_timestamp(),
        updated_at timestamptz not null default clock_timestamp()
    )
    """,
    """
    create table deliveries (
        -- `told` counts the events about it on topic notices
        id uuid primary key,
        webhook_id uuid not null references webhooks on delete cascade,
        event_id uuid not null,
        type text not null,
        about text not null,
        correlation_id text not null,
        occurred_at timestamptz not null,
        body text not null,
        state text not null default 'pending',
        attempts integer not null default 0,
        told integer not null default 0,
        last_status integer,
        last_error text,
        last_at timestamptz,
        took_ms integer,
        created_at timestamptz not null default clock_timestamp(),
        unique (event_id, webhook_id)
    ) with (fillfactor = 80)
    """,
    "create index deliveries_log on deliveries (webhook_id, created_at desc, id desc)",
    "create index deliveries_age on deliveries (created_at) where state <> 'pending'",
)


def upgrade() -> None:
    for statement in (*statements_v1(), *lanes_v1(), *STATEMENTS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
