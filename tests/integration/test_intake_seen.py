"""The same photo in a second report: a flag, whichever of photo and report comes first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from PIL import Image

from contracts.reports import ReportEnriched, ReportNormalised
from services.intake.adapters import media_sql
from tests.integration.intake_set import Intake, installation, opened
from tests.integration.photo_files import quarters, saved
from tests.integration.service_set import Environment
from yizhan.demo import pictures

HERE = {"lat": 34.23, "lon": 108.95}


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("seen") / "data") as found:
        yield found


@pytest.fixture
async def intake(env: Environment) -> AsyncIterator[Intake]:
    async with opened(env) as found:
        await found.sql("truncate media, reports, report_media, outbox, jobs")
        yield found


def scene(seed: int) -> Image.Image:
    return pictures.draw(pictures.overflowing_bin, seed=seed)


def jpeg(picture: Image.Image, quality: int = 90) -> bytes:
    return saved(picture, "JPEG", quality=quality)


async def upload(client: httpx.AsyncClient, data: bytes) -> str:
    return str((await client.post("/v1/media", content=data)).json()["id"])


async def report(client: httpx.AsyncClient, *media: str) -> str:
    body = {"media": media, "place": HERE}
    answer = await client.post("/v1/reports", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def flags(intake: Intake, report_id: str) -> list[tuple[type, tuple[str, ...] | None]]:
    bodies = [event.body for event in await intake.events(report_id)]
    return [
        (type(each), each.flags)
        for each in bodies
        if isinstance(each, ReportNormalised | ReportEnriched)
    ]


async def sent_first(intake: Intake, data: bytes) -> str:
    """A report with that photo, to its end."""
    reporter = await intake.as_new_device()
    report_id = await report(reporter, await upload(reporter, data))
    await intake.work()
    await intake.run_jobs()
    return report_id


async def test_the_photo_is_decoded_after_the_report(intake: Intake) -> None:
    first = await sent_first(intake, jpeg(scene(1)))
    again = await intake.as_new_device()
    second = await report(again, await upload(again, jpeg(scene(1), quality=70)))
    await intake.work()
    assert await flags(intake, second) == [(ReportNormalised, ())]
    await intake.run_jobs()
    assert (await flags(intake, second))[1:] == [(ReportEnriched, ("photo-seen",))]
    assert await flags(intake, first) == [(ReportNormalised, ())], "the first one is not to blame"


async def test_the_photo_is_decoded_before_the_report(intake: Intake) -> None:
    await sent_first(intake, jpeg(scene(1)))
    again = await intake.as_new_device()
    photo = await upload(again, jpeg(scene(1), quality=60))
    await intake.run_jobs()
    second = await report(again, photo)
    await intake.work()
    assert await flags(intake, second) == [(ReportNormalised, ("photo-seen",))]


async def test_ones_own_photo_a_second_time(intake: Intake) -> None:
    reporter = await intake.as_new_device()
    photo = await upload(reporter, jpeg(scene(1)))
    first = await report(reporter, photo)
    await intake.work()
    second = await report(reporter, photo)
    await intake.work()
    await intake.run_jobs()
    assert await flags(intake, first) == [(ReportNormalised, ())]
    assert (await flags(intake, second))[0] == (ReportNormalised, ("photo-seen",))


async def test_near_and_far_within_one_report_and_photos_of_others(intake: Intake) -> None:
    await sent_first(intake, jpeg(scene(1)))
    reporter = await intake.as_new_device()
    near, far = await upload(reporter, jpeg(scene(2))), await upload(reporter, jpeg(scene(2), 60))
    only = await report(reporter, near, far)
    await intake.work()
    await intake.run_jobs()
    assert await flags(intake, only) == [(ReportNormalised, ())]


async def test_two_photos_of_nothing_are_not_the_same(intake: Intake) -> None:
    await sent_first(intake, saved(quarters(), "JPEG"))
    second = await sent_first(intake, saved(quarters(600), "JPEG"))
    assert await flags(intake, second) == [(ReportNormalised, ())]


async def test_the_look_goes_by_the_index(intake: Intake) -> None:
    """With many photos there, the keys are looked up; nobody reads them all."""
    await intake.sql(
        """
        insert into media (id, owner, sha256, kind, content_type, size_bytes, header_read,
                           fingerprint, likeness)
        select md5(n::text), 'o', sha256(n::text::bytea), 'photo', 'image/jpeg', 1, true,
               repeat('01', 128)::bit(256),
               array(select (k << 26) | (n * 7919 + k) % 67108864 from generate_series(0, 9) k)
        from generate_series(1, 100000) n
        """
    )
    await intake.sql("analyze media")
    ids = [row["id"] for row in await intake.sql("select id from media limit 3")]
    plan = str(await intake.sql(f"explain {media_sql._PHOTOS}", ids))
    assert "Bitmap Index Scan on media_likeness" in plan
