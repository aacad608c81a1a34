"""Reads a city's folder into one frozen value, or says in which file and line it is broken."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from cities.calendar import work_calendar
from cities.categories import MOST, read_categories
from cities.divisions import read_divisions
from cities.duplicates import Duplicates, read_duplicates
from cities.folder import city_folder, city_version
from cities.kept import per_version
from cities.marked import CityError, Marked
from cities.rewards import read_rewards
from cities.routing import read_routing
from cities.rows import CityFile, ReasonRow
from contracts.city import City, EmergencyNumber, EscalationStep, Evidence, Limits, Reason

__all__ = ["CityError", "load_city"]

OUTSIDE = "outside-city"


@per_version
def load_city(name_or_path: str) -> City:
    """The city's rules, words and divisions, checked; CityError is "file:line: reason".

    Polygons are read by `cities.areas.load_areas`.
    """
    folder = city_folder(name_or_path)
    duplicates_file = Marked(folder / "duplicates.yaml")
    duplicates = read_duplicates(duplicates_file)
    categories = read_categories(Marked(folder / "categories.yaml"), duplicates.family_of)
    _check_families(duplicates_file, duplicates, {each.code for each in categories.categories})
    marked = Marked(folder / "city.yaml")
    rows = marked.to(CityFile)
    _check(marked, rows)
    reasons = {row.code for row in rows.refusal_reasons}
    rewards = read_rewards(Marked(folder / "rewards.yaml"), reasons)
    return City(
        name=rows.name.wording(),
        timezone=rows.timezone,
        languages=tuple(rows.languages),
        limits=msgspec.convert(msgspec.structs.asdict(rows.limits), Limits),
        evidence=msgspec.convert(msgspec.structs.asdict(rows.evidence), Evidence),
        floods=rows.floods.floods(),
        emergency=tuple(EmergencyNumber(row.number, row.name.wording()) for row in rows.emergency),
        danger_advice=rows.danger_advice.wording(),
        danger_words=tuple(each.lower() for each in rows.danger_words.zh + rows.danger_words.en),
        groups=categories.groups,
        departments=categories.departments,
        categories=categories.categories,
        aliases=categories.aliases,
        filed_under=categories.filed_under,
        divisions=read_divisions(folder / "divisions.csv"),
        duplicates=duplicates.rules,
        routing=read_routing(
            folder, {each.code for each in categories.categories}, categories.departments
        ),
        h3_resolution=duplicates.h3_resolution,
        refusal_reasons=_reasons(rows.refusal_reasons),
        return_reasons=_reasons(rows.return_reasons),
        delay_reasons=_reasons(rows.delay_reasons),
        escalation=tuple(EscalationStep(row.after_min, row.to) for row in rows.escalation),
        rewards=rewards,
        verify_after_h=rows.verify_after_h,
        reopen_within_days=rows.reopen_within_days,
        warn_at=rows.milestones.warn_at,
        escalate_at=rows.milestones.escalate_at,
        escalate_again_at=rows.milestones.escalate_again_at,
        calendar=work_calendar(rows.calendar),
        version=city_version(name_or_path),
    )


def _reasons(rows: list[ReasonRow]) -> tuple[Reason, ...]:
    return tuple(Reason(row.code, row.name.wording(), tuple(row.by)) for row in rows)


def _check(marked: Marked, rows: CityFile) -> None:
    """What the types of city.yaml cannot say."""
    try:
        ZoneInfo(rows.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise marked.error("$.timezone", f"{rows.timezone!r} is not a timezone") from None
    for field, value in msgspec.structs.asdict(rows.limits).items():
        if value <= 0:
            raise marked.error(f"$.limits.{field}", f"{field} must be more than 0")
    for by, row in rows.floods.buckets.get("report", {}).items():
        if row.burst < rows.limits.batch_reports:
            raise marked.error(
                f"$.floods.buckets.report.{by}.burst", "must be as many as batch_reports at least"
            )
    for field in ("verify_after_h", "reopen_within_days"):
        if not 0 < getattr(rows, field) <= MOST:
            raise marked.error(f"$.{field}", f"{field} must be more than 0, up to {MOST}")
    shares = rows.milestones
    if not 0 < shares.warn_at < 1 < shares.escalate_at < shares.escalate_again_at <= MOST:
        raise marked.error(
            "$.milestones", "warn_at must be under 1, escalate_at over 1 and under the next"
        )
    for at, step in enumerate(rows.escalation):
        if not 0 <= step.after_min <= MOST:
            raise marked.error(f"$.escalation[{at}].after_min", f"must be 0 to {MOST} minutes")
    _check_reasons(marked, rows)
    for language in ("zh", "en"):
        for at, word in enumerate(getattr(rows.danger_words, language)):
            if not word.strip():
                raise marked.error(f"$.danger_words.{language}[{at}]", "a word is empty")


def _check_reasons(marked: Marked, rows: CityFile) -> None:
    for field in ("refusal_reasons", "return_reasons", "delay_reasons"):
        known: set[str] = set()
        for at, row in enumerate(getattr(rows, field)):
            if row.code in known:
                raise marked.error(f"$.{field}[{at}].code", f"{row.code} stands here twice")
            known.add(row.code)
    if OUTSIDE not in {row.code for row in rows.refusal_reasons}:
        raise marked.error("$.refusal_reasons", f"reason {OUTSIDE} is missing")


def _check_families(marked: Marked, duplicates: Duplicates, codes: set[str]) -> None:
    for code, family in duplicates.family_of.items():
        if code not in codes:
            raise marked.error("$.families", f"family {family} names {code}, which is no category")
