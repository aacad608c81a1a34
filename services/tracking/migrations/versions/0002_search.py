"""What operators look for: indexes of the search, and counts that are kept as cases change."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    "create index cases_recent on cases (opened_at, id)",
    "create index cases_state on cases (state, opened_at, id)",
    "create index cases_category on cases (category, opened_at, id)",
    "create index cases_community on cases (community, opened_at, id)",
    "create index cases_place on cases using gist (point(lon, lat))",
    "create index cases_words on cases using gin (bigrams)",
    # The states in which the clock runs (domain/searching.py).
    """
    create index cases_running on cases (resolve_by)
    where state in ('opened', 'assigned', 'accepted', 'in-progress', 'disputed')
    """,
    # The local day of opening. Cases from before this migration: the time of all of China.
    "alter table cases add column day date",
    "update cases set day = (opened_at at time zone 'Asia/Shanghai')::date",
    "alter table cases alter column day set not null",
    # `late`: resolved after the limit. Empty text: no community, no category.
    """
    create table case_counts (
        day date not null,
        community text not null,
        category text not null,
        state text not null,
        cases bigint not null,
        accepted bigint not null,
        accept_s double precision not null,
        resolved bigint not null,
        resolve_s double precision not null,
        late bigint not null,
        primary key (day, community, category, state)
    ) with (fillfactor = 60)
    """,
    """
    insert into case_counts
    select day, coalesce(community, ''), coalesce(category, ''), state, count(*),
        count(accepted_at),
        coalesce(sum(extract(epoch from accepted_at - opened_at)), 0),
        count(resolved_at),
        coalesce(sum(extract(epoch from resolved_at - opened_at)), 0),
        count(*) filter (where resolved_at > resolve_by)
    from cases group by 1, 2, 3, 4
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
