"""Which buckets a request takes from, and that nobody can be read from their names."""

from __future__ import annotations

import pytest

from cities.load import load_city
from contracts.city import FloodBy
from services.intake.domain.floods import block, buckets

FLOODS = load_city("xian").floods


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("203.0.113.255", "203.0.113.0/24"),
        ("203.0.114.0", "203.0.114.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2001:db8:1:ffff::1", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_a_block_of_addresses(address: str, expected: str) -> None:
    assert block(address, FLOODS) == expected


def names(**counted: str) -> dict[FloodBy, bytes]:
    return {each.by: each.name for each in buckets(FLOODS, "report", counted)}  # type: ignore[arg-type]


def test_only_who_is_known_is_counted_and_everybody_always() -> None:
    assert set(names()) == {"everybody"}
    assert set(names(reporter="r", address="10.0.0.1")) == {"reporter", "address", "everybody"}


def test_neighbours_share_their_block_alone() -> None:
    one, other = names(reporter="a", address="10.0.0.1"), names(reporter="b", address="10.0.0.2")
    assert one["address"] == other["address"] and one["reporter"] != other["reporter"]


def test_the_same_text_in_another_measure_is_another_bucket() -> None:
    assert names(reporter="x")["reporter"] != names(device="x")["device"]
    session = buckets(FLOODS, "session", {"device": "x"})
    assert session[0].name != names(device="x")["device"]


def test_numbers_come_from_the_city() -> None:
    reporter = next(e for e in buckets(FLOODS, "report", {"reporter": "r"}) if e.by == "reporter")
    assert (reporter.burst, reporter.every_s) == (100, 60.0)
    assert len(reporter.name) == 16
