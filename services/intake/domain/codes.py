"""The two names of a report: an id for machines, a short code that people read out."""

from __future__ import annotations

from uuid import UUID

CODE_LENGTH = 7
CODE_BITS = 5 * CODE_LENGTH
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base 32 without I, L, O and U: nothing to mistake on the phone."""
RANDOM_BITS = 74


def report_code(bits: int) -> str:
    """Seven characters from 35 random bits."""
    return "".join(CROCKFORD[bits >> shift & 31] for shift in range(0, CODE_BITS, 5))


def uuid7(unix_ms: int, random_bits: int) -> UUID:
    """A UUID version 7 (RFC 9562, 5.7) from a time and 74 random bits."""
    high, low = random_bits >> 62 & 0xFFF, random_bits & (1 << 62) - 1
    return UUID(int=(unix_ms & (1 << 48) - 1) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
