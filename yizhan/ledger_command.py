"""`yizhan ledger verify`: adds the whole ledger up again and compares with what rewards keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import psycopg
from psycopg.rows import dict_row

from yizhan.running import data_option, finding, json_option, service_urls, table
from yizhan.trouble import Trouble

MOST_FINDINGS = 1000
CHECKS = {
    "balance": """
        select account.reporter_id, 'balance ' || account.balance || ', pending '
            || account.pending || '; the ledger says ' || coalesce(sum(line.points), 0)
            || ' and ' || coalesce(sum(line.pending), 0) as detail
        from accounts account left join ledger line on line.reporter_id = account.reporter_id
        group by account.reporter_id
        having account.balance <> coalesce(sum(line.points), 0)
            or account.pending <> coalesce(sum(line.pending), 0)
    """,
    "line": """
        select reporter_id, 'line ' || id || ' says balance ' || balance || ' after '
            || running as detail
        from (select id, reporter_id, balance,
                     sum(points) over (partition by reporter_id order by id) as running
              from ledger) as line
        where balance <> running
    """,
    "key": """
        select reporter_id, count(*) || ' lines with subject ' || subject_id || ', reason '
            || reason || ', round ' || round as detail
        from ledger group by subject_id, reporter_id, reason, round having count(*) > 1
    """,
    "cap": """
        select line.reporter_id, line.month || ': ' || sum(line.points) || ' points of '
            || sum(line.due) || ' due under a cap of ' || coalesce(month.cap, 0) as detail
        from ledger line left join months month
            on month.reporter_id = line.reporter_id and month.month = line.month
        group by line.reporter_id, line.month, month.cap, month.due
        having sum(line.points) <> least(coalesce(month.cap, 0), sum(line.due))
            or sum(line.due) <> coalesce(month.due, 0)
    """,
    "strikes": """
        select account.reporter_id, account.strikes || ' strikes; the ledger says '
            || count(line.id) filter (where line.step = 'struck')
               - count(line.id) filter (where line.step = 'reversed') as detail
        from accounts account left join ledger line
            on line.reporter_id = account.reporter_id and line.reason like 'false-report%'
        group by account.reporter_id
        having account.strikes <> count(line.id) filter (where line.step = 'struck')
            - count(line.id) filter (where line.step = 'reversed')
    """,
}
"""By name: what must not be found. One query each, all in one snapshot."""
_TOTALS = """
select (select count(*) from accounts) as accounts, count(*) as lines,
       coalesce(sum(points), 0) as points, coalesce(sum(pending), 0) as pending
from ledger
"""


@click.group()
def ledger() -> None:
    """The ledger of points."""


@ledger.command()
@data_option
@json_option
def verify(data: Path | None, as_json: bool) -> None:
    """Add the ledger up: balances, months under the cap, no key twice; exit 1 on a finding."""
    urls = service_urls(data)
    if "rewards" not in urls:
        raise Trouble("this checkout has no rewards")
    totals, findings = checked(urls["rewards"])
    if as_json:
        click.echo(json.dumps(totals | {"findings": findings}, indent=2))
    else:
        click.echo(table([totals], list(totals)))
        if findings:
            click.echo(table(findings, ["check", "reporter_id", "detail"]))
        click.echo("balanced" if not findings else f"{len(findings)} findings")
    finding(bool(findings))


def checked(url: str) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Totals, and what does not add up, in one read-only snapshot. Raises Trouble."""
    try:
        with psycopg.connect(url, connect_timeout=5, row_factory=dict_row) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            row = connection.execute(_TOTALS).fetchone() or {}
            findings: list[dict[str, Any]] = []
            for name, query in CHECKS.items():
                limited = f"{query} order by 1 limit {MOST_FINDINGS}"
                found = connection.execute(limited.encode()).fetchall()
                findings += [{"check": name} | each for each in found]
            return {name: int(value) for name, value in row.items()}, findings
    except psycopg.Error as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise Trouble(f"the database of rewards does not answer: {reason}") from error
