"""schemathesis against the real edge: whoever sends whatever gets a documented answer, no 5xx."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import hypothesis
import psycopg
import pytest
import requests
import schemathesis
from hypothesis import strategies
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from runtime.db import Database
from runtime.effects import Transactor
from runtime.tokens import Caller, SigningKey
from tests.integration.dispatch_set import XIAOZHAI, message, report
from tests.integration.edge_set import edge
from tests.integration.running import ROOT
from tests.integration.whole_set import installation
from yizhan.environment import Installation, database_url

SEED = 20261124
EXAMPLES = 12
CASES = 8
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
pytestmark = pytest.mark.timeout(300)  # a busy machine takes its time to start the edge
VERBS = {"get", "post", "put", "patch", "delete"}


def operations() -> list[tuple[str, str]]:
    """(verb, path) of every route that is documented, but for the endless streams."""
    return [
        (verb, path)
        for file in sorted((ROOT / "docs" / "openapi").glob("*.json"))
        for path, item in json.loads(file.read_text())["paths"].items()
        for verb in item
        if verb in VERBS and not path.endswith("/stream")
    ]


class World:
    """The running edge, tokens of every role, and names of what exists."""

    def __init__(self, origin: str, found: Installation, cases: list[tuple[str, str, str]]) -> None:
        self.schema: Any = schemathesis.openapi.from_url(f"{origin}/openapi.json")
        self.session = requests.Session()
        self.session.trust_env = False
        self.headers = _headers(found, cases)
        self.known = {
            "case_id": sorted({case for case, _, _ in cases}),
            "code": sorted({community for _, community, _ in cases}),
        }


def _headers(found: Installation, cases: list[tuple[str, str, str]]) -> dict[str, dict[str, str]]:
    communities = frozenset(community for _, community, _ in cases)
    callers = {
        "reporter": Caller(sub=cases[0][2], role="reporter"),
        "handler": Caller(sub=str(UUID(int=1)), role="handler", communities=communities),
        "department": Caller(
            sub=str(UUID(int=2)), role="department", departments=frozenset({"lighting"})
        ),
        "operator": Caller(sub=str(UUID(int=3)), role="operator"),
    }
    key = SigningKey.read(found.data.secrets.signing_key_file)
    now = datetime.now(UTC)
    signed = {role: f"Bearer {key.sign(caller, now)}" for role, caller in callers.items()}
    return {"anonymous": {}} | {role: {"Authorization": each} for role, each in signed.items()}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "edge.log"


@pytest.fixture(scope="module")
def world(log: Path) -> Iterator[World]:
    with installation(log.parent / "data") as found, edge(found, log) as origin:
        yield World(origin, found, _opened(found))


def _opened(found: Installation) -> list[tuple[str, str, str]]:
    """Some cases, a street apart: (case, community, first reporter)."""
    asyncio.run(_worked(found))
    with psycopg.connect(database_url(found.database, "dispatch", found.data)) as connection:
        rows = connection.execute(
            "select c.id::text, c.community, r.reporter_id::text from cases c"
            " join case_reports r on r.case_id = c.id where c.community is not null order by 1"
        )
        return [(str(case), str(community), str(who)) for case, community, who in rows]


async def _worked(found: Installation) -> None:
    plan = importlib.import_module("services.dispatch.worker").worker(found.worker("dispatch"))
    db = await Database.connect(plan.database_url, schema="dispatch")
    try:
        lat, lon = XIAOZHAI
        reports = [report(lat + 0.002 * n, lon) for n in range(CASES)]
        await Transactor(db, plan.effects[0]).take([message(each) for each in reports])
    finally:
        await db.close()


@pytest.mark.parametrize(("verb", "path"), operations(), ids=lambda each: each)
def test_every_answer_is_documented(world: World, verb: str, path: str) -> None:
    operation = world.schema[path][verb.upper()]
    requests_of = operation.as_strategy() | operation.as_strategy(GenerationMode.NEGATIVE)

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(
        case=requests_of,
        role=strategies.sampled_from(sorted(world.headers)),
        names=strategies.fixed_dictionaries(
            {name: strategies.sampled_from(found) for name, found in world.known.items()}
        ),
        existing=strategies.booleans(),
    )
    def run(case: Any, role: str, names: Mapping[str, str], existing: bool) -> None:
        for name in names if existing else ():
            if name in (case.path_parameters or {}):
                case.path_parameters[name] = names[name]
        headers = world.headers[role]
        response = case.call(session=world.session, headers=headers, timeout=30)
        case.validate_response(response, checks=CHECKS)

    run()
