"""Reporters and their sessions, media, reports."""

from __future__ import annotations

from alembic import op

from runtime.plumbing import statements_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    create table reporters (
        id text primary key,
        language text not null,
        created_at timestamptz not null default clock_timestamp()
    )
    """,
    # Only hashes: neither the device id nor its secret can be read out of this table.
    """
    create table devices (
        id uuid primary key,
        device_hash bytea not null,
        secret_hash bytea not null,
        reporter_id text not null references reporters on delete cascade,
        created_at timestamptz not null default clock_timestamp()
    )
    """,
    "create index devices_reporter on devices (reporter_id)",
    """
    create table sessions (
        id uuid primary key,
        reporter_id text not null references reporters on delete cascade,
        created_at timestamptz not null default clock_timestamp(),
        expires_at timestamptz not null,
        ended_at timestamptz
    )
    """,
    "create index sessions_reporter on sessions (reporter_id)",
    "create index sessions_expiry on sessions (expires_at)",
    """
    create table refresh_tokens (
        hash bytea primary key,
        session_id uuid not null references sessions on delete cascade,
        used_at timestamptz
    )
    """,
    "create index refresh_tokens_session on refresh_tokens (session_id)",
    # Of staff too, whose sessions are made elsewhere: hence text and no reference.
    """
    create table revocations (
        session_id text primary key,
        revoked_at timestamptz not null default clock_timestamp(),
        expires_at timestamptz not null
    )
    """,
    "create index revocations_expiry on revocations (expires_at)",
    """
    create table media (
        id text primary key,
        owner text not null,
        sha256 bytea not null,
        kind text not null check (kind in ('photo', 'voice')),
        content_type text not null,
        size_bytes bigint not null,
        state text not null default 'stored' check (state in ('stored', 'served', 'refused')),
        header_read boolean not null,
        place jsonb,
        taken_at timestamptz,
        width integer,
        height integer,
        dhash text,
        refusal text,
        created_at timestamptz not null default clock_timestamp(),
        unique (owner, sha256)
    )
    """,
    # `submitted` is the event's own JSON: written once for the outbox and for this row.
    """
    create table reports (
        id uuid primary key,
        reporter_id text not null,
        code text not null,
        received_at timestamptz not null,
        submitted bytea not null,
        status text not null default 'accepted' check (
            status in ('accepted', 'reading', 'place-asked', 'normalised', 'refused')
        ),
        seq integer not null default 1,
        place jsonb,
        cell text,
        category text,
        refusal text,
        constraint reports_code unique (code)
    )
    """,
    "create index reports_reporter on reports (reporter_id, id)",
    """
    create table report_media (
        media_id text not null,
        report_id uuid not null references reports on delete cascade,
        primary key (media_id, report_id)
    )
    """,
    "create index report_media_report on report_media (report_id)",
)


def upgrade() -> None:
    for statement in (*statements_v1(), *STATEMENTS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
