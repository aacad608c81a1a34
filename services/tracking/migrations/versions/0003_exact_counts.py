"""Sums of seconds that do not depend on the order of their parts; no counts of nothing."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    "delete from case_counts",
    """
    alter table case_counts
        alter column accept_s type numeric(20, 6), alter column resolve_s type numeric(20, 6)
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
