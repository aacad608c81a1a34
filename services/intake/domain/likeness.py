"""Which photos are worth comparing: those that share a part of their coarse hash.

Two hashes of 64 bits that differ in three at most have two of five blocks in common (the
pigeonholes of Manku, Jain, Sarma: Detecting near-duplicates for web crawling, 2007).
"""

from __future__ import annotations

from itertools import combinations

BLOCK_BITS = (13, 13, 13, 13, 12)
LEAST_BITS = 40
"""Of 256: a plain surface has hardly an edge, and is like every other."""


def keys(dhash: str, fingerprint: str) -> list[int]:
    """Ten numbers of 30 bits, one for each pair of blocks; none for a photo of nothing."""
    edges = int(fingerprint, 16).bit_count()
    if not LEAST_BITS <= edges <= 256 - LEAST_BITS:
        return []
    rest, blocks = int(dhash, 16), []
    for bits in BLOCK_BITS:
        blocks.append(rest & ((1 << bits) - 1))
        rest >>= bits
    pairs = combinations(blocks, 2)
    return [number << 26 | one << 13 | other for number, (one, other) in enumerate(pairs)]
