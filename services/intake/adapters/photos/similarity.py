"""A fingerprint of what a photo shows, to see the same photo again after re-encoding."""

from __future__ import annotations

from itertools import pairwise

from PIL import Image

SIDE = 8


def dhash(picture: Image.Image) -> str:
    """64 bits in hex: whether each of 8 x 8 cells is darker than its right neighbour.

    The well-known difference hash (N. Krawetz, 2013): it survives scaling and JPEG, not a crop.
    """
    cells = picture.convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(SIDE):
        line = cells[row * (SIDE + 1) : (row + 1) * (SIDE + 1)]
        for left, right in pairwise(line):
            bits = bits << 1 | (left < right)
    return f"{bits:016x}"


def distance_bits(one: str, other: str) -> int:
    """In how many of 64 bits two hashes differ; up to some 6 is the same photo."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
