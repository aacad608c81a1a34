"""Reports by their facts, cases as they are, timelines, points, notices, who was erased."""

from __future__ import annotations

from alembic import op

from runtime.plumbing import statements_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    # Nothing refers to anything: events of different topics come in any order.
    """
    create table reports (
        id uuid primary key,
        reporter_id text not null
    )
    """,
    "create index reports_mine on reports (reporter_id, id)",
    # `body` is the fact of that type (contracts.submissions, contracts.reports).
    """
    create table report_facts (
        report_id uuid not null,
        seq integer not null,
        type text not null,
        at timestamptz not null,
        body jsonb not null,
        primary key (report_id, seq)
    )
    """,
    # `body` is the whole case (contracts.cases.Case); the columns are what queries look for.
    """
    create table cases (
        id uuid primary key,
        seq integer not null,
        code text not null,
        state text not null,
        community text,
        department text,
        category text,
        lat double precision not null,
        lon double precision not null,
        opened_at timestamptz not null,
        accepted_at timestamptz,
        resolved_at timestamptz,
        closed_at timestamptz,
        resolve_by timestamptz not null,
        bigrams text[] not null,
        body jsonb not null
    ) with (fillfactor = 80)
    """,
    # A merged case keeps its reports beside the case that it was joined to: two rows a report.
    """
    create table case_reports (
        report_id uuid not null,
        case_id uuid not null,
        reporter_id text not null,
        joined_at timestamptz not null,
        primary key (report_id, case_id)
    )
    """,
    "create index case_reports_case on case_reports (case_id)",
    "create index case_reports_reporter on case_reports (reporter_id)",
    """
    create table case_events (
        case_id uuid not null,
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
    "create index case_events_reporter on case_events (by_id) where by_role = 'reporter'",
    """
    create table points (
        event_id uuid primary key,
        reporter_id text not null,
        subject_id text not null,
        type text not null,
        at timestamptz not null,
        reason text not null,
        points integer not null
    )
    """,
    "create index points_subject on points (reporter_id, subject_id)",
    """
    create table notices (
        event_id uuid primary key,
        recipient_id text not null,
        about text not null,
        type text not null,
        at timestamptz not null,
        channel text not null,
        event text not null,
        reason text
    )
    """,
    "create index notices_about on notices (recipient_id, about)",
    # For good: a replay must not bring back what was erased.
    """
    create table erased (
        reporter_id text primary key,
        at timestamptz not null
    )
    """,
)


def upgrade() -> None:
    for statement in (*statements_v1(), *STATEMENTS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
