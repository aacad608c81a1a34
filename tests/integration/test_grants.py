"""One role a service: another's schema is closed to it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.whole_set import installation
from yizhan.environment import Installation, database_url, present_services

SERVICES = present_services()
TABLES = """
select relname from pg_class
where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')
  and not relispartition
order by relname
"""


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with installation(tmp_path_factory.mktemp("grants")) as found:
        yield {each: url(found, each) for each in SERVICES}


def url(found: Installation, service: str) -> str:
    """The database as that service's role sees it."""
    return database_url(found.database, service, found.data)


def tables(own_url: str) -> list[str]:
    """The tables of a role's own schema."""
    with psycopg.connect(own_url) as connection:
        names = [str(row[0]) for row in connection.execute(TABLES)]
    assert {"inbox", "outbox", "dead_letters"} <= set(names)
    return names


@pytest.mark.parametrize(("who", "whose"), list(itertools.permutations(SERVICES, 2)))
def test_permission_denied(urls: dict[str, str], who: str, whose: str) -> None:
    with psycopg.connect(urls[who], autocommit=True) as connection:
        for table in tables(urls[whose]):
            for statement in (f"select from {whose}.{table}", f"delete from {whose}.{table}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"create table {whose}.mine ()".encode())


@pytest.mark.parametrize("who", SERVICES)
def test_its_own_is_its_own(urls: dict[str, str], who: str) -> None:
    with psycopg.connect(urls[who]) as connection:
        for table in tables(urls[who]):
            connection.execute(f"select from {who}.{table} limit 1".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("create table public.mine ()")
