"""One role a service: another's schema is closed to it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.product_set import SERVICES, Product, product, tables


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with product(tmp_path_factory.mktemp("grants") / "data") as found:
        yield found


@pytest.mark.parametrize(("who", "whose"), list(itertools.permutations(SERVICES, 2)))
def test_permission_denied(installed: Product, who: str, whose: str) -> None:
    with psycopg.connect(installed.url(who), autocommit=True) as connection:
        for table in tables(installed.url(whose)):
            for statement in (f"select from {whose}.{table}", f"delete from {whose}.{table}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"create table {whose}.mine ()".encode())


@pytest.mark.parametrize("who", SERVICES)
def test_its_own_is_its_own(installed: Product, who: str) -> None:
    with psycopg.connect(installed.url(who)) as connection:
        for table in tables(installed.url(who)):
            connection.execute(f"select from {who}.{table} limit 1".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("create table public.mine ()")
