"""Photos and voice notes: taken, made into copies, kept from strangers, swept away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.reports import PlaceAsked, ReportEnriched, ReportNormalised
from services.intake.timers import sweep_orphans
from tests.integration.intake_set import Intake, installation, opened
from tests.integration.photo_files import SECRETS, exif, quarters, saved, with_everything
from tests.integration.service_set import Environment

HERE = {"lat": 34.23, "lon": 108.95}
VOICE = b"#!AMR\n" + bytes(range(200))


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("media") / "data") as found:
        yield found


@pytest.fixture
async def intake(env: Environment) -> AsyncIterator[Intake]:
    async with opened(env) as found:
        yield found
        await found.run_jobs()


@pytest.fixture
async def device(intake: Intake) -> httpx.AsyncClient:
    return await intake.as_new_device()


async def upload(client: httpx.AsyncClient, data: bytes) -> str:
    answer = await client.post("/v1/media", content=data)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def photo(width: int = 300, **options: Any) -> bytes:
    return saved(quarters(width, 200), "JPEG", **options)


def damaged() -> bytes:
    """A photo whose header is good and whose pixels are cut off: only decoding shows it."""
    whole = saved(quarters(), "HEIF")
    return whole[: len(whole) * 6 // 10]


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "heic"])
async def test_what_is_served_tells_nothing(
    intake: Intake, device: httpx.AsyncClient, kind: str
) -> None:
    media_id = await upload(device, with_everything()[kind])
    early = await device.get(f"/v1/media/{media_id}")
    assert early.status_code == 404 and early.headers["retry-after"] == "1"
    assert early.json()["type"] == "/problems/media-not-ready"
    assert await intake.run_jobs() == 1
    for size in ("large", "small"):
        copy = await device.get(f"/v1/media/{media_id}", params={"size": size})
        assert copy.status_code == 200 and copy.content.startswith(b"\xff\xd8\xff")
        assert copy.headers["content-type"] == "image/jpeg"
        assert copy.headers["x-content-type-options"] == "nosniff"
        assert copy.headers["content-disposition"].startswith("attachment")
        for secret in SECRETS:
            assert secret.encode() not in copy.content


async def test_the_same_bytes_keep_their_id(intake: Intake, device: httpx.AsyncClient) -> None:
    data = photo(301)
    ids = await asyncio.gather(*(upload(device, data) for _ in range(8)))
    assert len(set(ids)) == 1
    assert await upload(await intake.as_new_device(), data) != ids[0]
    form = await device.post("/v1/media", files={"file": ("x.exe", data)})
    assert form.json()["id"] == ids[0]
    assert not await unknown_files(intake), "what came twice was not kept twice"


async def unknown_files(intake: Intake) -> set[str]:
    """Media in the folder that SQL does not know."""
    store = intake.context.store
    files = {found async for batch in store.list_older_than(-1) for found in batch}
    return files - {row["id"] for row in await intake.sql("select id from media")}


async def test_a_key_belongs_to_its_bytes(intake: Intake, device: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    first, again = [
        await device.post("/v1/media", content=photo(302), headers=headers) for _ in range(2)
    ]
    assert first.content == again.content
    other = await device.post("/v1/media", content=photo(303), headers=headers)
    assert other.status_code == 422
    assert not await unknown_files(intake)


async def test_strangers_see_nothing_and_those_with_cases_see_it(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    media_id = await upload(device, photo(304))
    await intake.run_jobs()
    path, stranger = f"/v1/media/{media_id}", await intake.as_new_device()
    hidden, absent = await stranger.get(path), await stranger.get(f"/v1/media/{'0' * 32}")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content
    assert (await intake.client.get(path)).status_code == 401
    for client in (intake.as_staff("handler"), intake.as_staff("operator"), intake.as_service()):
        assert (await client.get(path)).status_code == 200
    own = await stranger.post("/v1/reports", json={"media": [media_id]})
    assert own.status_code == 422, "nobody reports with another person's photo"


@pytest.mark.parametrize("name", ["..%2f..%2fsecrets", "%00", "x" * 65, "ü", "'; drop table media"])
async def test_odd_ids_are_not_there(device: httpx.AsyncClient, name: str) -> None:
    assert (await device.get(f"/v1/media/{name}")).status_code in (404, 422)


@pytest.mark.parametrize(("frames", "status"), [(3000, 201), (3050, 201), (3100, 413)])
async def test_a_voice_note_of_sixty_seconds(
    device: httpx.AsyncClient, frames: int, status: int
) -> None:
    """A frame of AMR is 20 ms; a recorder that stops at the limit may run over a little."""
    clip = b"#!AMR\n" + (b"\x3c" + bytes(31)) * frames
    answer = await device.post("/v1/media", content=clip)
    assert answer.status_code == status, answer.text
    if status == 413:
        assert answer.json()["detail"] == "语音最长 60 秒"
        refused = await device.post("/v1/reports", files={"voice": clip})
        assert refused.status_code == 413


async def test_a_voice_note_is_stored_as_a_clip(intake: Intake, device: httpx.AsyncClient) -> None:
    media_id = await upload(device, VOICE)
    clip = await device.get(f"/v1/media/{media_id}")
    assert clip.content == VOICE and clip.headers["content-type"] == "audio/amr"
    answer = await device.post("/v1/reports", files={"voice": VOICE})
    assert answer.status_code == 202
    assert await intake.run_jobs() == 0, "nothing decodes it yet"


async def test_dispatch_can_ask_what_a_photo_is(intake: Intake, device: httpx.AsyncClient) -> None:
    media_id = await upload(device, photo(305, exif=exif()))
    found = (await intake.as_service().get(f"/internal/v1/media/{media_id}")).json()
    assert found["state"] == "stored" and found["kind"] == "photo"
    assert found["place"]["lat"] == pytest.approx(34.2312) and found["taken_at"]
    assert found["owner"] == (await device.get("/v1/me")).json()["id"]


async def test_a_header_that_could_not_be_read_in_time_is_a_job(env: Environment) -> None:
    async with opened(env, header_wait_s="0") as intake:
        device = await intake.as_new_device()
        answer = await device.post("/v1/reports", files={"photo": photo(306, exif=exif())})
        report_id = answer.json()["id"]
        await intake.work()
        assert not await intake.events(report_id), "it waits"
        assert await intake.run_jobs() >= 1
        (event,) = await intake.events(report_id)
        assert isinstance(event.body, ReportNormalised)
        assert event.body.place.source == "exif" and event.body.observed_at
        await let_the_wait_end(intake)
        assert len(await intake.events(report_id)) == 1, "it was answered in time"


async def let_the_wait_end(intake: Intake) -> None:
    await intake.sql("update jobs set due_at = clock_timestamp() where kind = 'place-deadline'")
    await intake.run_jobs()


async def test_the_wait_ends_with_a_question_and_a_late_place_settles_it(
    env: Environment,
) -> None:
    async with opened(env, header_wait_s="0") as intake:
        device = await intake.as_new_device()
        answer = await device.post("/v1/reports", files={"photo": photo(307, exif=exif())})
        report_id = answer.json()["id"]
        await intake.work()
        (delay,) = await intake.sql(
            "select extract(epoch from due_at - clock_timestamp()) as s from jobs"
            " where kind = 'place-deadline' and ref = $1",
            report_id,
        )
        assert 0 < delay["s"] <= 2
        await intake.sql("update jobs set due_at = clock_timestamp() + '1 h' where kind = 'exif'")
        await let_the_wait_end(intake)
        await intake.sql("update jobs set due_at = clock_timestamp() where kind = 'exif'")
        await intake.run_jobs()
        events = await intake.events(report_id)
        assert [type(event.body) for event in events] == [PlaceAsked, ReportNormalised]
        assert [event.seq for event in events] == [2, 3]


async def test_a_photo_that_does_not_decode_leaves_the_report_standing(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    bad = await upload(device, damaged())
    good = await upload(device, photo(308))
    body = {"text": "垃圾桶满了", "media": [bad, good], "place": HERE}
    report_id = (await device.post("/v1/reports", json=body)).json()["id"]
    await intake.work()
    await intake.run_jobs()
    events = [event.body for event in await intake.events(report_id)]
    assert [type(event) for event in events] == [ReportNormalised, ReportEnriched]
    assert isinstance(events[1], ReportEnriched) and events[1].media
    assert [each.id for each in events[1].media] == [good]
    assert events[1].flags == ("photo-unreadable",)
    assert (await device.get(f"/v1/media/{bad}")).status_code == 404
    again = await device.post("/v1/reports", json=body)
    assert again.status_code == 422


async def test_a_photo_refused_before_its_report_is_left_out(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    fields = {"text": "垃圾桶满了", "lat": "34.23", "lon": "108.95"}
    answer = await device.post("/v1/reports", files={"photo": damaged()}, data=fields)
    await intake.run_jobs()
    await intake.work()
    (event,) = await intake.events(answer.json()["id"])
    assert isinstance(event.body, ReportNormalised)
    assert event.body.media == () and event.body.flags == ("photo-unreadable",)


async def test_the_sweeper_takes_what_no_commit_claimed(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    store = intake.context.store
    kept = await upload(device, photo(309))
    refused = await upload(device, damaged())
    await intake.run_jobs()
    orphan = (await store.put(b"nobody's", most_bytes=100)).id
    assert await sweep_orphans(intake.context.db, store, 3600) == 0, "too young"
    assert await sweep_orphans(intake.context.db, store, -1) >= 2
    left = {found async for batch in store.list_older_than(-1) for found in batch}
    assert kept in left and not {orphan, refused} & left


async def test_a_full_disk_is_503_with_retry_after(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    intake.context.has_room = False
    for path, body in (
        ("/v1/reports", {"text": "x"}),
        ("/v1/sessions", {"device_id": "x"}),
        ("/v1/media", {}),
    ):
        answer = await device.post(path, json=body)
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    assert (await device.get("/v1/me")).status_code == 200, "reading goes on"


def test_the_folder_is_private(env: Environment) -> None:
    assert Path(env["YIZHAN_MEDIA_DIR"]).stat().st_mode & 0o077 == 0
