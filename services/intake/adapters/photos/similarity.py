"""Fingerprints of what a photo shows, to see the same photo again after re-encoding."""

from __future__ import annotations

from itertools import pairwise

from PIL import Image

COARSE, FINE = 8, 16
"""Cells a side; with 8 drawings of one street look alike, with 16 only the same picture does."""


def dhash(picture: Image.Image, side: int = COARSE) -> str:
    """`side` x `side` bits in hex: whether each cell is darker than its right neighbour.

    The well-known difference hash (N. Krawetz, 2013): it survives scaling and JPEG, not a crop.
    """
    cells = picture.convert("L").resize((side + 1, side), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(side):
        line = cells[row * (side + 1) : (row + 1) * (side + 1)]
        for left, right in pairwise(line):
            bits = bits << 1 | (left < right)
    return f"{bits:0{side * side // 4}x}"


def distance_bits(one: str, other: str) -> int:
    """In how many bits two hashes of one length differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
