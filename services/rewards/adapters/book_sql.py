"""The book in SQL: cases, then accounts locked in sorted order; loaded and saved in sets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from runtime.db import Connection
from services.rewards.domain.account import Account, Claim, Entry, Month
from services.rewards.domain.book import Book
from services.rewards.domain.dues import Key

_ADD_CASES = """
insert into cases (id) select * from unnest($1::uuid[]) on conflict do nothing
"""
_LOCK_CASES = "select id, seq from cases where id = any ($1::uuid[]) order by id for update"
_SAVE_CASES = """
update cases set seq = row.seq
from unnest($1::uuid[], $2::int[]) as row (id, seq) where cases.id = row.id
"""
_CLAIMANTS = "select distinct reporter_id from claims where subject_id = any ($1::text[])"
_WAITED_FOR = """
select distinct subject_id from claims where state = 'held' and reporter_id = any ($1::text[])
"""
_ADD_ACCOUNTS = """
insert into accounts (reporter_id) select * from unnest($1::text[]) on conflict do nothing
"""
_LOCK_ACCOUNTS = """
select reporter_id, confirmed, registration_seq, suspended, suspension_seq, erased, balance,
       pending, strikes, seq
from accounts where reporter_id = any ($1::text[]) order by reporter_id for update
"""
_SAVE_ACCOUNTS = """
update accounts set
    confirmed = row.confirmed, registration_seq = row.registration_seq,
    suspended = row.suspended, suspension_seq = row.suspension_seq, erased = row.erased,
    balance = row.balance, pending = row.pending, strikes = row.strikes, seq = row.seq
from unnest($1::text[], $2::boolean[], $3::int[], $4::boolean[], $5::int[], $6::boolean[],
            $7::int[], $8::int[], $9::int[], $10::int[])
    as row (reporter_id, confirmed, registration_seq, suspended, suspension_seq, erased,
            balance, pending, strikes, seq)
where accounts.reporter_id = row.reporter_id
"""
_MONTHS = """
select reporter_id, month, cap, due from months where reporter_id = any ($1::text[])
"""
_SAVE_MONTHS = """
insert into months (reporter_id, month, cap, due)
select * from unnest($1::text[], $2::text[], $3::int[], $4::int[])
on conflict (reporter_id, month) do update set due = excluded.due
"""
_CLAIMS = """
select subject_id, reporter_id, reason, round, points, state, held_for, month, earned_at,
       report_id
from claims
where (subject_id = any ($1::text[]) or (state = 'held' and reporter_id = any ($2::text[])))
"""
_SAVE_CLAIMS = """
insert into claims (id, subject_id, reporter_id, reason, round, points, state, held_for, month,
                    earned_at, report_id)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[],
                     $7::text[], $8::text[], $9::text[], $10::timestamptz[], $11::text[])
on conflict (id) do update set state = excluded.state, held_for = excluded.held_for
"""
_WRITE = """
insert into ledger (subject_id, reporter_id, reason, round, step, points, pending, due, month,
                    at, balance, report_id, by_id)
select subject_id, reporter_id, reason, round, step, points, pending, due, month, at, balance,
       report_id, by_id
from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::int[], $7::int[],
            $8::int[], $9::text[], $10::timestamptz[], $11::int[], $12::text[], $13::text[])
    with ordinality as row (subject_id, reporter_id, reason, round, step, points, pending, due,
                            month, at, balance, report_id, by_id, n)
order by n
"""


async def lock_cases(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    """The newest seq heard of each case, 0 for a new one; locked in the order of ids."""
    if not ids:
        return {}
    ordered = sorted(UUID(each) for each in ids)
    await connection.execute(_ADD_CASES, ordered)
    return {str(row["id"]): row["seq"] for row in await connection.fetch(_LOCK_CASES, ordered)}


async def claimants(connection: Connection, subjects: Collection[str]) -> set[str]:
    """Reporters who have claims by these cases; stable while the cases are locked."""
    if not subjects:
        return set()
    rows = await connection.fetch(_CLAIMANTS, sorted(subjects))
    return {row["reporter_id"] for row in rows}


async def waited_for(connection: Connection, reporters: Collection[str]) -> set[str]:
    """Subjects of what is held for these reporters."""
    if not reporters:
        return set()
    rows = await connection.fetch(_WAITED_FOR, sorted(reporters))
    return {row["subject_id"] for row in rows}


async def load(
    connection: Connection, book: Book, *, reporters: Collection[str], subjects: Collection[str]
) -> None:
    """Locks the reporters' accounts and fills the book with what they and the subjects have."""
    ordered = sorted(reporters)
    if not ordered:
        return
    await connection.execute(_ADD_ACCOUNTS, ordered)
    for row in await connection.fetch(_LOCK_ACCOUNTS, ordered):
        book.accounts[row["reporter_id"]] = Account(**row)
    for row in await connection.fetch(_MONTHS, ordered):
        book.months[row["reporter_id"], row["month"]] = Month(**row)
    for row in await connection.fetch(_CLAIMS, sorted(subjects), ordered):
        claim = claim_of(row)
        book.claims[claim.key] = claim


async def save_cases(connection: Connection, seqs: Mapping[str, int]) -> None:
    """What was heard of each case."""
    if seqs:
        ids = sorted(seqs)
        await connection.execute(
            _SAVE_CASES, [UUID(each) for each in ids], [seqs[each] for each in ids]
        )


async def save(connection: Connection, book: Book) -> None:
    """Accounts, months, claims and the new lines; the accounts are locked already."""
    await _in_columns(connection, _SAVE_ACCOUNTS, map(_account_row, book.accounts.values()))
    touched = {(entry.key.reporter_id, entry.month) for entry in book.entries if entry.due}
    await _in_columns(connection, _SAVE_MONTHS, (_month_row(book.months[e]) for e in touched))
    changed = sorted(book.changed)
    await _in_columns(connection, _SAVE_CLAIMS, (_claim_row(book.claims[e]) for e in changed))
    await _in_columns(connection, _WRITE, map(_entry_row, book.entries))


async def _in_columns(connection: Connection, sql: str, rows: Iterable[Sequence[object]]) -> None:
    """One statement for all rows, none for none."""
    if columns := list(zip(*rows, strict=True)):
        await connection.execute(sql, *columns)


def claim_of(row: Mapping[str, Any]) -> Claim:
    """The claim in a row."""
    return Claim(
        key=Key(row["subject_id"], row["reporter_id"], row["reason"], row["round"]),
        points=row["points"],
        state=row["state"],
        month=row["month"],
        earned_at=row["earned_at"],
        report_id=row["report_id"],
        held_for=row["held_for"],
    )


def _account_row(each: Account) -> tuple[object, ...]:
    return (
        each.reporter_id,
        each.confirmed,
        each.registration_seq,
        each.suspended,
        each.suspension_seq,
        each.erased,
        each.balance,
        each.pending,
        each.strikes,
        each.seq,
    )


def _month_row(each: Month) -> tuple[object, ...]:
    return each.reporter_id, each.month, each.cap, each.due


def _claim_row(each: Claim) -> tuple[object, ...]:
    key = each.key
    return (
        each.id,
        key.subject_id,
        key.reporter_id,
        key.reason,
        key.round,
        each.points,
        each.state,
        each.held_for,
        each.month,
        each.earned_at,
        each.report_id,
    )


def _entry_row(each: Entry) -> tuple[object, ...]:
    key = each.key
    return (
        key.subject_id,
        key.reporter_id,
        each.reason,
        key.round,
        each.step,
        each.points,
        each.pending,
        each.due,
        each.month,
        each.at,
        each.balance,
        each.report_id,
        each.by,
    )
