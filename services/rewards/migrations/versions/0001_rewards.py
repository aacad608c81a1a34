"""The ledger, and what is kept true beside it: accounts, months, claims, cases heard of."""

from __future__ import annotations

from alembic import op

from runtime.plumbing import statements_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    # The seq of the newest event of a case that was folded in: older ones have nothing to say.
    """
    create table cases (
        id uuid primary key,
        seq integer not null default 0
    ) with (fillfactor = 80)
    """,
    # No contact, no name: a reporter is a random id. The row outlives an erasure, so do its lines.
    """
    create table accounts (
        reporter_id text primary key,
        confirmed boolean not null default false,
        registration_seq integer not null default 0,
        suspended boolean not null default false,
        suspension_seq integer not null default 0,
        erased boolean not null default false,
        balance integer not null default 0,
        pending integer not null default 0,
        strikes integer not null default 0,
        seq integer not null default 0
    ) with (fillfactor = 80)
    """,
    # `cap` is the one in force at the month's first line; `due` is the sum before it.
    """
    create table months (
        reporter_id text not null references accounts,
        month text not null,
        cap integer not null check (cap > 0),
        due integer not null,
        primary key (reporter_id, month)
    )
    """,
    """
    create table claims (
        id uuid primary key,
        subject_id text not null,
        reporter_id text not null references accounts,
        reason text not null,
        round integer not null,
        points integer not null,
        state text not null check (state in ('held', 'credited', 'struck', 'void', 'reversed')),
        held_for text check (held_for in ('registration', 'review')),
        month text not null,
        earned_at timestamptz not null,
        report_id text not null,
        unique (subject_id, reporter_id, reason, round)
    )
    """,
    "create index claims_held on claims (reporter_id) where state = 'held'",
    "create index claims_in_review on claims (held_for, earned_at, id) where state = 'held'",
    """
    create table ledger (
        id bigint generated always as identity primary key,
        subject_id text not null,
        reporter_id text not null references accounts,
        reason text not null,
        round integer not null,
        step text not null,
        points integer not null,
        pending integer not null,
        due integer not null,
        month text not null,
        at timestamptz not null,
        balance integer not null,
        report_id text not null,
        by_id text not null,
        constraint ledger_key unique (subject_id, reporter_id, reason, round)
    )
    """,
    "create index ledger_reporter on ledger (reporter_id, id)",
    """
    create function ledger_is_append_only() returns trigger language plpgsql as
    $$ begin raise exception 'the ledger is append-only'; end $$
    """,
    """
    create trigger ledger_is_append_only before update or delete on ledger
    for each row execute function ledger_is_append_only()
    """,
)


def upgrade() -> None:
    for statement in (*statements_v1(), *STATEMENTS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
