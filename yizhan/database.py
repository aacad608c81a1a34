"""The database: one role and one schema a service, nothing for anybody else, then migrations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from sqlalchemy.exc import SQLAlchemyError

from runtime.migrations import migrate as migrate_service
from yizhan.datafolder import DataFolder
from yizhan.environment import DATABASE, database_place, database_url, role_of
from yizhan.trouble import Trouble

MONITORED = ("outbox", "dead_letters")
"""All that the monitor may read."""


def make(admin_url: str, services: Sequence[str], data: DataFolder) -> None:
    """Makes or completes database, roles and schemas; harmless to repeat. Raises Trouble."""
    try:
        with psycopg.connect(admin_url, autocommit=True, connect_timeout=5) as connection:
            for name in (*services, "monitor"):
                _role(connection, role_of(name), data.secrets.database_password(name))
            if not _one(connection, "select 1 from pg_database where datname = %s", DATABASE):
                connection.execute(
                    sql.SQL("create database {} encoding 'UTF8' template template0").format(
                        sql.Identifier(DATABASE)
                    )
                )
        with psycopg.connect(_inside(admin_url), connect_timeout=5) as connection:
            _close_to_the_public(connection)
            for service in services:
                _schema(connection, service)
            _let_in(connection, "monitor")
    except psycopg.Error as error:
        raise Trouble(f"PostgreSQL refuses the set-up: {_reason(error)}") from error


def migrate(admin_url: str, services: Iterable[str], data: DataFolder) -> dict[str, list[str]]:
    """Brings every service's schema up to date, as its own role. Raises Trouble."""
    applied: dict[str, list[str]] = {}
    place = database_place(admin_url)
    for service in services:
        try:
            applied[service] = migrate_service(database_url(place, service, data), service)
        except SQLAlchemyError as error:
            raise Trouble(f"migration of {service} failed: {_reason(error)}") from error
    try:
        with psycopg.connect(_inside(admin_url), connect_timeout=5) as connection:
            for service in services:
                _let_the_monitor_read(connection, service)
    except psycopg.Error as error:
        raise Trouble(f"the monitor cannot be let in: {_reason(error)}") from error
    return applied


def _role(connection: psycopg.Connection[tuple[object, ...]], role: str, password: str) -> None:
    name = sql.Identifier(role)
    there = _one(connection, "select 1 from pg_roles where rolname = %s", role)
    verb = sql.SQL("alter" if there else "create")
    connection.execute(
        sql.SQL(
            "{} role {} login password {} nosuperuser nocreatedb nocreaterole noinherit"
        ).format(verb, name, sql.Literal(password))
    )
    connection.execute(sql.SQL("grant {} to current_user").format(name))


def _close_to_the_public(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    database = sql.Identifier(DATABASE)
    connection.execute(sql.SQL("revoke all on database {} from public").format(database))
    connection.execute("revoke all on schema public from public")


def _let_in(connection: psycopg.Connection[tuple[object, ...]], service: str) -> None:
    connection.execute(
        sql.SQL("grant connect on database {} to {}").format(
            sql.Identifier(DATABASE), sql.Identifier(role_of(service))
        )
    )


def _schema(connection: psycopg.Connection[tuple[object, ...]], service: str) -> None:
    _let_in(connection, service)
    schema, role = sql.Identifier(service), sql.Identifier(role_of(service))
    connection.execute(
        sql.SQL("create schema if not exists {} authorization {}").format(schema, role)
    )
    connection.execute(
        sql.SQL("alter role {} in database {} set search_path = {}").format(
            role, sql.Identifier(DATABASE), schema
        )
    )


def _let_the_monitor_read(connection: psycopg.Connection[tuple[object, ...]], service: str) -> None:
    schema, role = sql.Identifier(service), sql.Identifier(role_of("monitor"))
    connection.execute(sql.SQL("grant usage on schema {} to {}").format(schema, role))
    for table in MONITORED:
        connection.execute(
            sql.SQL("grant select on {}.{} to {}").format(schema, sql.Identifier(table), role)
        )


def _one(connection: psycopg.Connection[tuple[object, ...]], query: str, value: str) -> bool:
    return connection.execute(query.encode(), (value,)).fetchone() is not None


def _inside(admin_url: str) -> str:
    """The same user in our database."""
    return urlunsplit(urlsplit(admin_url)._replace(path=f"/{DATABASE}"))


def _reason(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
