"""Which photos are compared at all, and how much the same photo differs after re-encoding."""

from __future__ import annotations

import io
import random

from PIL import Image

from services.intake.adapters.photos.similarity import FINE, dhash, distance_bits
from services.intake.domain.likeness import keys
from yizhan.demo import pictures

CHANCE = random.Random(5)
EDGES = f"{(1 << 100) - 1:064x}"


def flipped(hash_: str, bits: int) -> str:
    changed = int(hash_, 16)
    for bit in CHANCE.sample(range(64), bits):
        changed ^= 1 << bit
    return f"{changed:016x}"


def test_up_to_three_bits_away_a_key_is_shared() -> None:
    for _ in range(500):
        one = f"{CHANCE.getrandbits(64):016x}"
        other = flipped(one, CHANCE.randint(0, 3))
        assert set(keys(one, EDGES)) & set(keys(other, EDGES))


def test_strangers_share_hardly_ever_one() -> None:
    hashes = [f"{CHANCE.getrandbits(64):016x}" for _ in range(300)]
    known = [set(keys(each, EDGES)) for each in hashes]
    shared = sum(bool(a & b) for i, a in enumerate(known) for b in known[:i])
    assert shared <= 2, "of 44,850 pairs"


def test_keys_fit_their_column() -> None:
    found = keys("f" * 16, EDGES)
    assert len(set(found)) == 10 and max(found) < 2**31


def test_a_photo_of_nothing_is_like_no_other() -> None:
    assert keys("0" * 16, "0" * 64) == keys("f" * 16, "f" * 64) == []


def test_the_same_picture_again_and_another_of_the_same_place() -> None:
    """Ten bits of 256 tell them apart."""
    scene = Image.effect_mandelbrot((1280, 960), (-2.2, -1.2, 1.0, 1.2), 60)
    other = pictures.draw(pictures.overflowing_bin, seed=2)
    again = pictures.draw(pictures.overflowing_bin, seed=3)
    assert distance_bits(dhash(scene, FINE), dhash(resaved(scene), FINE)) <= 10
    assert distance_bits(dhash(other, FINE), dhash(again, FINE)) > 10


def resaved(picture: Image.Image) -> Image.Image:
    out = io.BytesIO()
    picture.resize((1024, 768)).save(out, "JPEG", quality=80)
    return Image.open(out)
