"""After-photos against the place and time of the work."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from contracts.cases import Case, CaseResolved
from contracts.places import Place
from contracts.submissions import Media
from services.dispatch.domain.conditions import has_no_objection_left
from services.dispatch.domain.deciding import Command, decide
from services.dispatch.domain.parties import Party
from services.dispatch.domain.proof import Shot, flags
from tests.unit.cases import CITY, HOME, NOW, assigned

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HERE, NEAR, FAR = (Place(lat=34.2 + north, lon=108.9) for north in (0.0, 0.0026, 0.0028))
ACCEPTED = NOW + HOUR
THEN = ACCEPTED + 2 * HOUR
OWNER = Party("handler", "h", communities=frozenset({HOME}))


def shot(at: datetime | None = None, place: Place | None = None) -> Shot:
    return Shot(Media(id="p", kind="photo", content_type="image/jpeg"), at, place)


def accepted() -> Case:
    return replace(assigned(), state="accepted", accepted_at=ACCEPTED)


@pytest.mark.parametrize(
    ("shots", "expected"),
    [
        ([shot()], ()),
        ([shot(THEN, HERE)], ()),
        ([shot(THEN - MINUTE, NEAR)], ()),  # 289 m
        ([shot(THEN, FAR)], ("proof-elsewhere",)),  # 311 m
        ([shot(THEN, FAR), shot(THEN, HERE)], ()),  # far and near, as reporters do
        ([shot(ACCEPTED - MINUTE)], ()),
        ([shot(ACCEPTED - 3 * MINUTE)], ("proof-old",)),
        ([shot(ACCEPTED - HOUR), shot(THEN)], ()),  # before and after
        ([shot(THEN + 3 * MINUTE)], ("proof-ahead",)),
        ([shot(ACCEPTED - HOUR, FAR)], ("proof-elsewhere", "proof-old")),
    ],
)
def test_flags(shots: list[Shot], expected: tuple[str, ...]) -> None:
    assert flags(shots, accepted(), THEN, CITY.evidence) == expected


def resolved(note: str | None) -> Case:
    command = Command("resolve", OWNER, shots=(shot(THEN, FAR),), note=note)
    facts = decide(accepted(), command, THEN, CITY)
    assert isinstance(facts, tuple) and isinstance(facts[0], CaseResolved)
    assert facts[0].flags == ("proof-elsewhere",)
    return facts[0].case


def test_a_doubtful_proof_waits_for_a_person_unless_it_is_explained() -> None:
    later = THEN + timedelta(hours=CITY.verify_after_h + 1)
    doubted, explained = resolved(None), resolved("井盖在马路对面加工，照片在车间拍摄")
    assert (doubted.proof_flags, explained.proof_flags) == (("proof-elsewhere",), ())
    assert not has_no_objection_left(doubted, later, CITY)
    assert has_no_objection_left(explained, later, CITY)


def test_taken_back_the_doubt_is_gone() -> None:
    back = decide(resolved(None), Command("start", OWNER), THEN, CITY)
    assert isinstance(back, tuple) and back[0].case.proof_flags == ()
