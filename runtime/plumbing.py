"""The tables that every service's schema has: inbox, outbox, dead letters, feeds, jobs."""

from __future__ import annotations

HORIZON_DAYS = 14
"""How long the inbox remembers; an older event goes to the dead letters, never through."""
AHEAD_DAYS = 2
TODAY = "(clock_timestamp() at time zone 'UTC')::date"
"""Days are those of the events, which are in UTC wherever the server lives."""
OUTBOX_OF_DAY = "outbox_{:%Y%m%d}"
"""The partition, as `make_partitions` names it."""
MAKE_PARTITIONS = f"select make_partitions({TODAY} - {HORIZON_DAYS}, {TODAY} + {AHEAD_DAYS})"

_STATEMENTS_V1 = (
    """
    create table inbox (
        day date not null,
        event_id uuid not null,
        primary key (day, event_id)
    ) partition by range (day)
    """,
    "create sequence outbox_id",
    """
    create table outbox (
        day date not null,
        id bigint not null default nextval('outbox_id'),
        event_id uuid not null,
        topic text not null,
        key bytea not null,
        headers jsonb not null,
        value bytea not null,
        feeds text[] not null default '{}',
        direct boolean not null default false,
        created_at timestamptz not null default clock_timestamp(),
        sent_at timestamptz,
        primary key (day, id)
    ) partition by range (day)
    """,
    "create index outbox_unsent on outbox (id) where sent_at is null",
    """
    create table feed_heads (
        feed text primary key,
        last_no bigint not null
    )
    """,
    "create sequence feed_position",
    """
    create table feed (
        day date not null,
        position bigint not null,
        feed text not null,
        feed_no bigint not null,
        event_id uuid not null,
        type text not null,
        value bytea not null,
        primary key (day, position)
    ) partition by range (day)
    """,
    "create index feed_by_name on feed (feed, feed_no)",
    """
    create table relay_heartbeat (
        one boolean primary key default true check (one),
        pid integer not null,
        beat_at timestamptz not null
    )
    """,
    """
    create table dead_letters (
        id bigint generated always as identity primary key,
        topic text not null,
        partition integer not null,
        "offset" bigint not null,
        key bytea,
        headers jsonb not null,
        value bytea,
        event_id uuid,
        subject text,
        reason text not null,
        at timestamptz not null default clock_timestamp(),
        unique (topic, partition, "offset")
    )
    """,
    "create index dead_letters_subject on dead_letters (subject)",
    """
    create table dead_letter_attempts (
        topic text not null,
        partition integer not null,
        "offset" bigint not null,
        attempts integer not null,
        primary key (topic, partition, "offset")
    )
    """,
    """
    create table halts (
        topic text primary key,
        reason text not null,
        at timestamptz not null default clock_timestamp()
    )
    """,
    """
    create table idempotency_keys (
        actor text not null,
        key text not null,
        request_hash bytea not null,
        status integer,
        answer bytea,
        created_at timestamptz not null default clock_timestamp(),
        primary key (actor, key)
    )
    """,
    "create index idempotency_keys_age on idempotency_keys (created_at)",
    """
    create table jobs (
        id bigint generated always as identity primary key,
        kind text not null,
        ref text not null,
        payload jsonb not null,
        due_at timestamptz not null,
        attempts integer not null default 0,
        lease uuid,
        given_up boolean not null default false,
        reason text,
        unique (kind, ref)
    )
    """,
    "create index jobs_due on jobs (kind, due_at) where not given_up",
    """
    create function make_partitions(from_day date, to_day date) returns void
    language plpgsql as $$
    declare
        each_day date;
        parent text;
        child text;
    begin
        perform pg_advisory_xact_lock(hashtext(current_schema() || '/partitions'));
        for each_day in select generate_series(from_day, to_day, interval '1 day')::date loop
            foreach parent in array array['inbox', 'outbox', 'feed'] loop
                child := parent || '_' || to_char(each_day, 'YYYYMMDD');
                if to_regclass(child) is null then
                    execute format(
                        'create table %I partition of %I for values from (%L) to (%L)',
                        child, parent, each_day, each_day + 1);
                end if;
            end loop;
        end loop;
    end $$
    """,
    """
    create function drop_partitions(before_day date) returns integer
    language plpgsql as $$
    declare
        child text;
        dropped integer := 0;
        unsent bigint;
    begin
        perform pg_advisory_xact_lock(hashtext(current_schema() || '/partitions'));
        for child in
            select c.relname from pg_inherits i
            join pg_class c on c.oid = i.inhrelid
            join pg_class p on p.oid = i.inhparent
            where p.relnamespace = current_schema()::regnamespace
              and p.relname = any (array['inbox', 'outbox', 'feed'])
              and right(c.relname, 8) < to_char(before_day, 'YYYYMMDD')
            order by 1
        loop
            if child like 'outbox_%' then
                execute format('select count(*) from %I where sent_at is null', child) into unsent;
                continue when unsent > 0;
            end if;
            execute format('drop table %I', child);
            dropped := dropped + 1;
        end loop;
        return dropped;
    end $$
    """,
)


def statements_v1() -> list[str]:
    """SQL for the first migration of a service; names resolve in the schema on the search path."""
    return [
        *_STATEMENTS_V1,
        MAKE_PARTITIONS,
    ]


_ERASED_V1 = (
    # For good: neither a replay nor an older dump may bring back what was erased.
    """
    create table erased (
        reporter_id text primary key,
        at timestamptz not null
    )
    """,
)


def erased_v1() -> list[str]:
    """SQL for the people whom a service has forgotten (see runtime.erasure)."""
    return list(_ERASED_V1)


_LINKS_V1 = (
    """
    create table links (
        from_reporter_id text primary key,
        reporter_id text not null
    )
    """,
    "create index links_reporter on links (reporter_id)",
)


def links_v1() -> list[str]:
    """SQL for devices that joined a person (see runtime.linking)."""
    return list(_LINKS_V1)


_LANES_V1 = (
    "alter table jobs add column lane text",
    "create index jobs_lane_due on jobs (lane, due_at) where not given_up and lane is not null",
    "create index jobs_lane_busy on jobs (lane) where lease is not null and lane is not null",
)


def lanes_v1() -> list[str]:
    """SQL for a service whose jobs have lanes (see runtime.lanes), after `statements_v1`."""
    return list(_LANES_V1)


_FEED_READER_V1 = ("create index feed_by_position on feed (position)",)


def feed_reader_v1() -> list[str]:
    """SQL for a service whose API streams (see runtime.feed): what is new is found at any size."""
    return list(_FEED_READER_V1)
