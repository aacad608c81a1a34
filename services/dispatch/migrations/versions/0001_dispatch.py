"""Cases, the reports in them, their timelines."""

from __future__ import annotations

from alembic import op

from runtime.plumbing import statements_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    # `body` is the whole case (contracts.cases.Case); the columns are what queries look for.
    # `rank` 0 is dangerous; `queue_by` is the clock that runs in this state.
    """
    create table cases (
        id uuid primary key,
        code text not null,
        state text not null,
        is_open boolean not null,
        revision integer not null,
        seq integer not null,
        round integer not null,
        community text,
        department text,
        category text,
        family text not null,
        cell text not null,
        lat double precision not null,
        lon double precision not null,
        rank smallint not null,
        queue_by timestamptz not null,
        opened_at timestamptz not null,
        active_at timestamptz not null,
        updated_at timestamptz not null,
        accept_by timestamptz not null,
        make_safe_by timestamptz,
        resolve_by timestamptz not null,
        verify_due_at timestamptz,
        report_count integer not null,
        body jsonb not null
    ) with (fillfactor = 80)
    """,
    "create index cases_code on cases (code)",
    """
    create index cases_queue on cases (community, rank, queue_by, opened_at, id) where is_open
    """,
    """
    create index cases_queue_age on cases (community, opened_at, id) where is_open
    """,
    """
    create index cases_department on cases (department, rank, queue_by, opened_at, id)
    where is_open and department is not null
    """,
    "create index cases_near on cases (cell, family, lat) where is_open",
    "create index cases_verify on cases (verify_due_at) where verify_due_at is not null",
    """
    create table case_reports (
        report_id uuid primary key,
        case_id uuid not null references cases on delete cascade,
        reporter_id text not null,
        joined_at timestamptz not null,
        media text[] not null default '{}'
    )
    """,
    "create index case_reports_case on case_reports (case_id)",
    "create index case_reports_reporter on case_reports (reporter_id)",
    """
    create table case_events (
        case_id uuid not null references cases on delete cascade,
        seq integer not null,
        type text not null,
        at timestamptz not null,
        by_role text not null,
        by_id text not null,
        state text not null,
        reason text,
        note text,
        primary key (case_id, seq)
    )
    """,
)


def upgrade() -> None:
    for statement in (*statements_v1(), *STATEMENTS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
