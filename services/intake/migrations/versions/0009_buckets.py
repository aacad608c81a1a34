"""Token buckets that all API processes share.

Unlogged: after a crash of the server they are full again, which harms nobody.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BUCKETS = """
create unlogged table buckets (
    name bytea primary key,
    full_at timestamptz not null
) with (fillfactor = 50)
"""
FULL = "create index buckets_full on buckets (full_at)"
# A bucket is the instant at which it is full again (the generic cell rate algorithm): that many
# tokens are missing as fit between now and then. Rows are locked in the order of their names.
TAKE = """
create function take_tokens(
    names bytea[], bursts int[], every_s float8[], wanted int, out at int, out wait_s float8
) language plpgsql as $$
declare
    seen timestamptz;
begin
    loop
        insert into buckets select name, '-infinity' from unnest(names) name order by name
        on conflict do nothing;
        perform 1 from buckets where name = any (names) order by name for update;
        exit when (select count(*) from buckets where name = any (names)) = cardinality(names);
    end loop;
    seen := clock_timestamp();
    select number, late into at, wait_s from (
        select number, extract(epoch from greatest(full_at, seen) - seen)
                       - (burst - wanted) * every as late
        from unnest(names, bursts, every_s) with ordinality
             as given (wanted_name, burst, every, number)
        join buckets on name = wanted_name
    ) found where late > 0 order by late desc limit 1;
    if at is null then
        update buckets set full_at = greatest(full_at, seen) + make_interval(secs => wanted * every)
        from unnest(names, every_s) as given (wanted_name, every) where name = wanted_name;
    end if;
end $$
"""


def upgrade() -> None:
    for statement in (BUCKETS, FULL, TAKE):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
