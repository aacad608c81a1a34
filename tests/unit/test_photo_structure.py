"""Dear and cut-off files are known by their skeleton alone."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.intake.adapters.photos import structure
from services.intake.adapters.photos.similarity import dhash, distance_bits
from services.intake.adapters.photos.structure import Declared, judge

LIMIT = 60_000_000


def saved(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((300, 200)).save(out, kind, **options)
    return out.getvalue()


WALKS = {"JPEG": structure.jpeg, "PNG": structure.png, "WEBP": structure.webp}
FILES: dict[str, tuple[str, dict[str, object]]] = {
    "baseline": ("JPEG", {}),
    "progressive": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "lossy webp": ("WEBP", {}),
    "lossless webp": ("WEBP", {"lossless": True}),
    "webp with exif": ("WEBP", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}),
}


@pytest.mark.parametrize("name", FILES)
def test_size_and_end(name: str) -> None:
    kind, options = FILES[name]
    data = saved(kind, **options)
    declared = WALKS[kind](data)
    assert declared is not None
    assert (declared.width, declared.height, declared.complete) == (300, 200, True)
    assert judge(declared, LIMIT) is None
    cut = WALKS[kind](data[: len(data) * 6 // 10])
    assert judge(cut, LIMIT) == "damaged"


@given(st.sampled_from(list(WALKS)), st.binary(max_size=200))
def test_noise_behind_a_good_start_is_survived(kind: str, noise: bytes) -> None:
    for keep in (2, 8, 20, 40):
        WALKS[kind](saved(kind)[:keep] + noise)


def test_limits_are_exact() -> None:
    assert judge(Declared(6000, 10_000), LIMIT) is None
    assert judge(Declared(6001, 10_000), LIMIT) == "too-many-pixels"
    assert judge(Declared(1, 10**9), LIMIT) == "too-many-pixels"
    assert judge(Declared(10, 10, frames=4), LIMIT) is None
    assert judge(Declared(10, 10, frames=5), LIMIT) == "too-many-frames"
    assert judge(Declared(10, 10, scans=101), LIMIT) == "too-many-frames"
    assert judge(Declared(6000, 10_000, scans=10), LIMIT) is None
    assert judge(Declared(6000, 10_000, scans=11), LIMIT) == "too-many-frames"
    assert judge(Declared(0, 10), LIMIT) == "damaged"
    assert judge(None, LIMIT) == "damaged"


def test_the_same_scene_is_near_and_another_is_far() -> None:
    scene = Image.effect_mandelbrot((640, 480), (-2.2, -1.2, 1.0, 1.2), 60)
    again = Image.open(io.BytesIO(_jpeg(scene.resize((333, 250)), quality=40)))
    other = scene.rotate(180)
    assert distance_bits(dhash(scene), dhash(again)) <= 6
    assert distance_bits(dhash(scene), dhash(other)) > 12


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()
