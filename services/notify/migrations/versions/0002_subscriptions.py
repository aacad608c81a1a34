"""What people asked to hear of: a case, a circle, a division, a category."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Of a notice that a subscription told, the report is somebody else's: null.
    "alter table notices rename column correlation_id to report_id",
    "alter table notices alter column report_id drop not null",
    # `area` is the circle's box in degrees (lon, lat); `lat`, `lon`, `radius_m` are the circle.
    # `target` says what is asked for in one text: the same is kept once a person. What happened
    # before `since` is not told.
    """
    create table subscriptions (
        id uuid primary key,
        recipient text not null references recipients on delete cascade,
        target text not null,
        case_id text,
        lat double precision,
        lon double precision,
        radius_m integer,
        area box,
        division text,
        category text,
        created_at timestamptz not null default clock_timestamp(),
        since timestamptz not null default clock_timestamp(),
        unique (recipient, target),
        check (num_nonnulls(case_id, area, division) <= 1),
        check (num_nonnulls(case_id, area, division, category) >= 1),
        check (case_id is null or category is null)
    )
    """,
    "create index subscriptions_case on subscriptions (case_id) where case_id is not null",
    "create index subscriptions_area on subscriptions using gist (area) where area is not null",
    "create index subscriptions_division on subscriptions (division) where division is not null",
    """
    create index subscriptions_category on subscriptions (category)
    where area is null and division is null and category is not null
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
