"""Photos through the real decoding children: what is taken, what is shown, what is hidden."""

from __future__ import annotations

import io
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from services.intake.adapters.photos.messages import PhotoHeader, PhotoResult
from services.intake.adapters.photos.processor import PhotoProcessor
from services.intake.adapters.photos.similarity import distance_bits
from tests.integration import photo_files
from tests.sourcecode import ROOT

MEDIA = Path(os.environ.get("YIZHAN_TEST_MEDIA", ROOT.parent / "shared" / "data" / "media"))
METADATA_MARKERS = {*range(0xE1, 0xF0), 0xFE}


@pytest.fixture
async def photos() -> AsyncIterator[PhotoProcessor]:
    async with PhotoProcessor() as processor:
        yield processor


async def taken(photos: PhotoProcessor, folder: Path, data: bytes) -> PhotoResult:
    path = folder / "photo"
    path.write_bytes(data)
    result = await photos.process(path)
    assert isinstance(result, PhotoResult), result
    return result


def picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def markers(jpeg: bytes) -> set[int]:
    """The segments in front of the picture data."""
    at, found = 2, set()
    while jpeg[at + 1] != 0xDA:
        found.add(jpeg[at + 1])
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return found


@pytest.mark.skipif(not MEDIA.is_dir(), reason="set YIZHAN_TEST_MEDIA to the folder of test media")
async def test_the_measured_files_are_read_as_expected(photos: PhotoProcessor) -> None:
    images = json.loads((MEDIA / "expected.json").read_text())["images"]
    assert len(images) >= 30
    wrong = []
    for image in images:
        header = await photos.read_exif(MEDIA / image["file"])
        result = await photos.process(MEDIA / image["file"])
        seen: dict[str, object] = {"accepted": isinstance(result, PhotoResult)}
        if isinstance(result, PhotoResult):
            assert isinstance(header, PhotoHeader) and header.exif == result.exif
            place = result.exif.place
            seen["place"] = place and [round(place.lat, 5), round(place.lon, 5)]
            seen["orientation"] = result.exif.orientation
        expected = {name: image[name] for name in seen}
        if expected.get("place"):
            expected["place"] = [round(degrees, 5) for degrees in image["place"]]
        if seen != expected:
            wrong.append((image["file"], seen, expected))
    assert not wrong


@pytest.mark.skipif(not MEDIA.is_dir(), reason="set YIZHAN_TEST_MEDIA to the folder of test media")
async def test_portraits_of_any_orientation_are_the_same_upright(photos: PhotoProcessor) -> None:
    hashes = []
    for orientation in (1, 3, 6, 8):
        result = await photos.process(MEDIA / f"portrait_{orientation}.jpg")
        assert isinstance(result, PhotoResult)
        assert result.height > result.width
        hashes.append(result.dhash)
    assert max(distance_bits(hashes[0], other) for other in hashes) <= 3


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "heic"])
async def test_served_copies_tell_nothing(
    photos: PhotoProcessor, tmp_path: Path, kind: str
) -> None:
    original = photo_files.with_everything()[kind]
    assert any(secret.encode() in original for secret in photo_files.SECRETS)
    result = await taken(photos, tmp_path, original)
    place, when = result.exif.place, result.exif.taken
    assert place is not None and when is not None
    assert (place.lat, place.lon) == pytest.approx((34.2312, 108.8845), abs=1e-6)
    assert (place.accuracy_m, when.offset_min) == (8.0, 480)
    assert set(result.served) == {"large", "small"}
    for data in result.served.values():
        assert not markers(data) & METADATA_MARKERS
        assert not any(secret.encode() in data for secret in photo_files.SECRETS)
        assert data.endswith(b"\xff\xd9") and data.count(b"\xff\xd8") == 1
        assert photo_files.corners(picture(data)) == (0, 1, 2, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_every_orientation_is_shown_upright(
    photos: PhotoProcessor, tmp_path: Path, kind: str
) -> None:
    for orientation in range(1, 9):
        upright = photo_files.quarters()
        turn = photo_files.TO_ORIENTATION.get(orientation)
        stored = upright.transpose(turn) if turn is not None else upright
        data = photo_files.saved(stored, kind, exif=photo_files.exif(orientation))
        result = await taken(photos, tmp_path, data)
        shown = picture(result.served["large"])
        assert (result.width, result.height) == shown.size == (640, 480)
        assert photo_files.corners(shown) == (0, 1, 2, 3), orientation


async def test_heic_is_turned_once(photos: PhotoProcessor, tmp_path: Path) -> None:
    stored = photo_files.quarters().transpose(photo_files.TO_ORIENTATION[6])
    data = photo_files.saved(stored, "HEIF", exif=photo_files.exif(6))
    result = await taken(photos, tmp_path, data)
    assert photo_files.corners(picture(result.served["large"])) == (0, 1, 2, 3)
    assert (result.width, result.height) == (640, 480)


async def test_two_sizes(photos: PhotoProcessor, tmp_path: Path) -> None:
    data = photo_files.saved(photo_files.quarters(4000, 3000), "JPEG")
    result = await taken(photos, tmp_path, data)
    assert picture(result.served["large"]).size == (1600, 1200)
    assert picture(result.served["small"]).size == (400, 300)
    assert (result.width, result.height) == (4000, 3000)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
async def test_every_kind_of_pixel(photos: PhotoProcessor, tmp_path: Path, mode: str) -> None:
    white = Image.new("RGB", (4000, 300), "white")
    drawn = Image.new("I;16", white.size, 65535) if mode == "I;16" else white.convert(mode)
    data = photo_files.saved(drawn, "JPEG" if mode == "CMYK" else "PNG")
    shown = picture((await taken(photos, tmp_path, data)).served["small"]).convert("RGB")
    assert shown.convert("L").getextrema()[0] in range(250, 256)


async def test_what_transparency_hides_stays_hidden(photos: PhotoProcessor, tmp_path: Path) -> None:
    hidden = photo_files.quarters().convert("RGBA")
    hidden.putalpha(0)
    result = await taken(photos, tmp_path, photo_files.saved(hidden, "PNG"))
    assert picture(result.served["large"]).convert("L").getextrema()[0] in range(250, 256)


async def test_the_largest_photos_fit_into_the_child(
    photos: PhotoProcessor, tmp_path: Path
) -> None:
    for channels in (1, 3, 4):
        result = await taken(photos, tmp_path, photo_files.wide_png(10_000, 6_000, channels))
        assert picture(result.served["large"]).size == (1600, 960)
    progressive = Image.new("RGB", (10_000, 6_000), "grey")
    data = photo_files.saved(progressive, "JPEG", progressive=True, subsampling=0)
    assert (await taken(photos, tmp_path, data)).width == 10_000


async def test_a_tail_behind_the_picture_is_not_served(
    photos: PhotoProcessor, tmp_path: Path
) -> None:
    jpeg = photo_files.saved(photo_files.quarters(), "JPEG")
    result = await taken(photos, tmp_path, jpeg + b"PK\x03\x04<script>kept-secret</script>")
    for data in result.served.values():
        assert b"<script>" not in data and b"PK\x03\x04" not in data


async def test_broken_exif_does_not_refuse(photos: PhotoProcessor, tmp_path: Path) -> None:
    data = bytearray(photo_files.saved(photo_files.quarters(), "JPEG", exif=photo_files.exif()))
    at = data.index(b"Exif\0\0") + 14
    data[at : at + 60] = b"\xff" * 60
    assert (await taken(photos, tmp_path, bytes(data))).exif.place is None
