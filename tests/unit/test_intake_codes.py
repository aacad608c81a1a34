"""The names of a report."""

from __future__ import annotations

from uuid import RFC_4122

import pytest

from services.intake.domain.codes import CODE_BITS, CROCKFORD, report_code, uuid7


def test_every_bit_of_a_code_counts() -> None:
    codes = {report_code(1 << bit) for bit in range(CODE_BITS)}
    assert len(codes) == CODE_BITS
    assert report_code(0) == "0000000" and report_code((1 << CODE_BITS) - 1) == "ZZZZZZZ"


def test_nothing_in_a_code_is_mistaken_for_a_digit() -> None:
    assert len(CROCKFORD) == 32 and not set("ILOU") & set(CROCKFORD)


@pytest.mark.parametrize("random_bits", [0, (1 << 74) - 1, 0x2AAAAAAAAAAAAAAAAAA])
def test_uuid7_keeps_time_and_randomness(random_bits: int) -> None:
    made = uuid7(1_795_517_885_790, random_bits)
    assert made.version == 7 and made.variant == RFC_4122
    assert made.int >> 80 == 1_795_517_885_790
    high, low = made.int >> 64 & 0xFFF, made.int & (1 << 62) - 1
    assert high << 62 | low == random_bits


def test_uuid7_sorts_by_time() -> None:
    assert uuid7(1000, (1 << 74) - 1) < uuid7(1001, 0)
