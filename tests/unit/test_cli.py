"""The command line: what it answers to wrong use, and what it tells each process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from fastapi import APIRouter

from yizhan.cli import cli
from yizhan.datafolder import DataFolder
from yizhan.environment import Installation, database_place
from yizhan.owners import check_owner


def _commands() -> list[list[str]]:
    found: list[list[str]] = [[]]
    for name, command in cli.commands.items():
        found.append([name])
        if isinstance(command, click.Group):
            found += _inside([name], command)
    return found


def _inside(above: list[str], group: click.Group) -> Iterator[list[str]]:
    for name, command in group.commands.items():
        yield [*above, name]
        if isinstance(command, click.Group):
            yield from _inside([*above, name], command)


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    answer = CliRunner().invoke(cli, [*command, "--help"])
    assert answer.exit_code == 0
    assert answer.output.startswith("Usage:")


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["up", "--port", "0"],
        ["up", "--port", "eight"],
        ["token"],
        ["token", "--role", "king"],
        ["token", "--role", "handler"],
        ["token", "--role", "department"],
        ["city", "diff", "xian"],
        ["queue", "follow"],
        ["queue", "follow", "--community", "1", "--department", "2"],
        ["queue", "follow", "--community", "1", "--url", "http://127.0.0.1:1"],
        ["open311", "key"],
        ["open311", "key", "add"],
        ["open311", "key", "add", " "],
        ["open311", "key", "revoke"],
    ],
    ids=" ".join,
)
def test_wrong_use_exits_2(args: list[str]) -> None:
    assert CliRunner().invoke(cli, args).exit_code == 2


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    return Installation(
        data=DataFolder(tmp_path),
        services=("intake", "dispatch"),
        kafka="127.0.0.1:9092",
        database="127.0.0.1:5432/yizhan",
        port=8000,
        internal_port=8001,
        health_ports={"intake": 1, "dispatch": 2, "edge": 3, "monitor": 4},
        city="somewhere",
        outer={
            "PATH": "/bin",
            "YIZHAN_LOG_LEVEL": "DEBUG",
            "YIZHAN_DATABASE_URL": "postgresql://admin:secret@db/postgres",
            "YIZHAN_INTAKE_SERVICE_KEY": "from outside",
        },
    )


def test_a_worker_gets_its_own_secrets_and_no_other(place: Installation) -> None:
    told = place.worker("dispatch")
    assert {name for name in told if name.endswith(("_URL", "_KEY", "_KEYS", "_FILE"))} == {
        "YIZHAN_DISPATCH_DATABASE_URL",
        "YIZHAN_DISPATCH_SERVICE_KEY",
        "YIZHAN_INTERNAL_URL",
        "YIZHAN_PUBLIC_URL",
    }
    assert told["YIZHAN_HEALTH_PORT"] == "2"
    assert told["YIZHAN_LOG_LEVEL"] == "DEBUG"


def test_the_monitor_gets_no_key(place: Installation) -> None:
    told = place.monitor()
    assert not [name for name in told if "KEY" in name]
    assert told["YIZHAN_MONITOR_DATABASE_URL"].startswith("postgresql://yizhan_monitor:")


def test_the_edge_knows_the_services_by_the_hash_of_their_keys(place: Installation) -> None:
    told = place.edge()
    assert set(json.loads(told["YIZHAN_SERVICE_KEYS"])) == {"intake", "dispatch", "open311"}
    assert told["YIZHAN_INTAKE_SERVICE_KEY"] not in told["YIZHAN_SERVICE_KEYS"]
    assert told["YIZHAN_INTAKE_SERVICE_KEY"] != "from outside"


def test_secrets_are_made_once_and_private(place: Installation) -> None:
    assert place.worker("intake") == place.worker("intake")
    key = place.data.secrets.signing_key_file
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text() == place.data.secrets.signing_key_file.read_text()


@pytest.mark.parametrize(
    ("admin", "expected"),
    [
        ("postgresql://a:b@db.example:6000/postgres", "db.example:6000/yizhan"),
        (
            "postgresql://a:b@db.example/postgres?sslmode=require",
            "db.example:5432/yizhan?sslmode=require",
        ),
    ],
)
def test_the_place_of_a_database_has_no_user_in_it(admin: str, expected: str) -> None:
    assert database_place(admin) == expected


def _router(method: str, path: str) -> APIRouter:
    router = APIRouter()
    router.add_api_route(path, lambda: None, methods=[method])
    return router


@pytest.mark.parametrize(
    ("service", "method", "path"),
    [
        ("intake", "POST", "/v1/reports"),
        ("intake", "POST", "/v1/reports/{report_id}/place"),
        ("tracking", "GET", "/v1/reports/{id}"),
        ("dispatch", "POST", "/v1/cases/{case_id}/{action}"),
    ],
)
def test_an_owned_path_passes(service: str, method: str, path: str) -> None:
    check_owner(service, _router(method, path))


@pytest.mark.parametrize(
    ("service", "method", "path"),
    [
        ("tracking", "POST", "/v1/reports"),
        ("intake", "GET", "/v1/reports"),
        ("dispatch", "GET", "/v1/cases"),
        ("intake", "GET", "/debug"),
    ],
)
def test_a_path_of_another_service_stops_the_edge(service: str, method: str, path: str) -> None:
    with pytest.raises(RuntimeError, match="is not"):
        check_owner(service, _router(method, path))
