"""DELETE /v1/me: nothing of the person in any table, file or log, and nothing comes back."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.integration import whole_set
from tests.integration.photo_files import quarters, saved
from tests.integration.world import Person, World, opened
from yizhan.cli import cli
from yizhan.embedded.postgres import binary
from yizhan.environment import Installation, database_url

WORDS, ANSWER, NEIGHBOUR = "三号楼王家门口的井盖丢了", "我住三楼二零一", "井盖没有了请快来"
PLACE = {"lat": 34.2229173, "lon": 108.9517339, "crs": "gcj02"}
BESIDE = {"lat": 34.2229291, "lon": 108.9517401, "crs": "gcj02"}
THEIRS = (WORDS, ANSWER, "34.2229173", "108.9517339")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with whole_set.installation(tmp_path_factory.mktemp("erasure")) as found:
        yield found


@pytest.fixture
async def world(installed: Installation, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(installed, tmp_path) as found:
        yield found


async def holds_all_of(person: Person) -> None:
    """The person's own copy."""
    answer = await person.client.get("/v1/me/export")
    copy = answer.json()
    assert copy["complete"] and copy["profile"]["id"] == person.id
    assert [each["id"] for each in copy["media"]] == [person.media]
    assert [each["accepted"]["text"] for each in copy["reports"]] == [WORDS]
    assert copy["reports"][0]["case"]["state"] == "accepted"
    assert [each["note"] for each in copy["said"]] == [ANSWER]
    assert [each["community"] for each in copy["registrations"]] == ["610102001003"]
    assert copy["notices"] and NEIGHBOUR not in answer.text


def dump(installed: Installation, schema: str, file: Path) -> None:
    url = database_url(installed.database, schema, installed.data)
    command = [binary("pg_dump"), "-Fc", "-n", schema, "--data-only", "-f", file, url]
    subprocess.run(list(map(str, command)), check=True)


async def restore(world: World, schema: str, file: Path) -> None:
    db = world.hands.dbs[schema]
    tables = await db.fetch(
        "select format('%I', relname) as name from pg_class"
        " where relnamespace = current_schema()::regnamespace"
        " and relkind in ('r', 'p') and not relispartition"
    )
    await db.execute(f"truncate {', '.join(row['name'] for row in tables)}")
    url = database_url(world.installed.database, schema, world.installed.data)
    subprocess.run([str(binary("pg_restore")), "-d", url, str(file)], check=True)


async def test_forgotten_everywhere_and_for_good(world: World, tmp_path: Path) -> None:
    mine = await world.person(WORDS, PLACE, saved(quarters(), "JPEG"))
    other = await world.person(NEIGHBOUR, BESIDE, saved(quarters(320, 240), "JPEG"))
    registered = await mine.client.post("/v1/me/registration", json={"community": "610102001003"})
    assert registered.status_code == 201
    case = (await mine.client.get(f"/v1/reports/{mine.report}")).json()["case"]
    assert case["report_count"] == 2
    commented = await mine.client.post(f"/v1/cases/{case['id']}/comment", json={"note": ANSWER})
    assert commented.status_code == 200, commented.text
    key = {"Idempotency-Key": "a-handlers"}
    handler = world.staff("handler", case["community"]["code"])
    body = {"revision": case["revision"]}
    accepted = await handler.post(f"/v1/cases/{case['id']}/accept", json=body, headers=key)
    assert accepted.status_code == 200 and WORDS in accepted.text
    await mine.client.put("/v1/me/preferences", json={"language": "en"})
    await mine.client.post("/v1/me/subscriptions", json={"case_id": case["id"]})
    await world.hands.pump()
    await holds_all_of(mine)
    stats = (await world.staff("operator").get("/v1/stats")).json()
    old = {each: tmp_path / f"{each}.dump" for each in ("dispatch", "tracking", "notify", "intake")}
    for schema, file in old.items():
        dump(world.installed, schema, file)

    before = await world.holding(WORDS, "34.2229173", mine.id)
    assert all(len({schema for schema, _ in tables}) > 1 for tables in before.values())
    photo = world.installed.data.media / "originals" / mine.media[-2:] / mine.media
    assert photo.exists()

    assert (await mine.client.delete("/v1/me")).status_code == 204
    for path in ("/v1/me", "/v1/reports", "/v1/me/inbox", f"/v1/media/{mine.media}"):
        assert (await mine.client.get(path)).status_code == 401
    again = {"device_id": mine.device, "refresh_token": mine.refresh}
    refreshed = {"refresh_token": again["refresh_token"]}
    assert (await mine.client.post("/v1/sessions/refresh", json=refreshed)).status_code == 401
    await world.hands.pump()
    await world.hands.work()
    await world.hands.pump()
    await world.holds_nothing_of(mine, THEIRS)
    assert not photo.exists()
    assert not list((world.installed.data.media / "served").rglob(f"{mine.media}*"))

    seen = (await other.client.get(f"/v1/reports/{other.report}")).json()
    assert (seen["case"]["state"], seen["case"]["report_count"]) == ("accepted", 2)
    assert (await world.staff("operator").get("/v1/stats")).json()["total"] == stats["total"]
    shown = (await handler.get(f"/v1/cases/{case['id']}")).json()
    assert [each["id"] for each in shown["media"]] == [other.media]

    await world.hands.replay()
    await world.holds_nothing_of(mine, THEIRS)

    for schema, file in old.items():
        await restore(world, schema, file)
    with pytest.raises(AssertionError):  # the dumps really bring the person back
        await world.holds_nothing_of(mine, THEIRS)
    environment = {"YIZHAN_DATABASE_URL": f"postgresql://{world.installed.database}"}
    run, folder = CliRunner(env=environment), ["--data", str(world.installed.data.path)]
    assert run.invoke(cli, ["erasures", "check", *folder]).exit_code == 1
    assert run.invoke(cli, ["erasures", "reapply", *folder]).exit_code == 0
    await world.hands.work()
    assert run.invoke(cli, ["erasures", "check", *folder]).exit_code == 0
    text = world.log.read_text()
    assert not any(each in text for each in (WORDS, ANSWER, mine.device, mine.refresh))
    await world.holds_nothing_of(mine, THEIRS)


async def test_only_a_person_and_only_oneself(world: World) -> None:
    for client in (world.staff("handler"), world.staff("operator"), world.client("nonsense")):
        assert (await client.delete("/v1/me")).status_code in (401, 403)


async def test_what_is_sent_meanwhile_goes_too(world: World) -> None:
    """A request that passed the check of its token before the erasure, and wrote after it."""
    mine = await world.person(WORDS, PLACE, saved(quarters(), "JPEG"))
    await mine.client.delete("/v1/me")
    intake = world.hands.dbs["intake"]
    await intake.execute(
        "insert into idempotency_keys (actor, key, request_hash, answer) values ($1, 'k', '', $2)",
        mine.id,
        WORDS.encode(),
    )
    await world.hands.pump()
    await world.hands.work()
    await world.holds_nothing_of(mine, THEIRS)
