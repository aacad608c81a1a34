"""The shapes of a city's data: pure values, read and checked by `cities`, used by every service."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

DivisionLevel = Literal["city", "district", "street", "community"]
FloodOf = Literal["report", "medium", "session"]
FloodBy = Literal["reporter", "device", "address", "client", "everybody"]
Role = Literal["reporter", "handler", "department", "operator", "system"]

UNCATEGORISED = "uncategorised"
OTHER = "L-9999"
MINUTES_A_DAY = 1440
SATURDAY = 5


class Wording(msgspec.Struct, frozen=True):
    """A text for people in both languages."""

    zh: str
    en: str

    def to(self, language: str) -> str:
        """English for `en` and its regions, Chinese for everything else."""
        return self.en if language.lower().split("-")[0] == "en" else self.zh


class Window(msgspec.Struct, frozen=True):
    """Working hours of a day in minutes after local midnight: start included, end (<= 1440) not."""

    start_min: int
    end_min: int


class WorkCalendar(msgspec.Struct, frozen=True):
    """Which days are worked: Monday to Friday but for `free` days, and the `made_up` ones.

    `known` years are settled by the authority; None: every year, by the weekday alone.
    """

    known: frozenset[int] | None = None
    free: frozenset[date] = frozenset()
    made_up: frozenset[date] = frozenset()

    def is_workday(self, day: date) -> bool:
        """By the calendar; in a year that is not known by the weekday."""
        return day in self.made_up or (day.weekday() < SATURDAY and day not in self.free)

    def knows(self, first: date, last: date) -> bool:
        """Whether the days between the two, both included, are settled."""
        known = self.known
        return known is None or all(y in known for y in range(first.year, last.year + 1))


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a category; exactly one of `resolve_hours` and `resolve_workdays` is set.

    `window` None means round the clock. `basis` says whether a published value was found.
    """

    accept_minutes: float
    make_safe_hours: float | None
    resolve_hours: float | None
    resolve_workdays: int | None
    window: Window | None
    basis: Literal["published", "estimate"]


class Choice(msgspec.Struct, frozen=True):
    """One allowed answer to a question."""

    key: str
    name: Wording


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may ask about a report of a category (Open311 attributes)."""

    code: str
    datatype: Literal["singlevaluelist", "multivaluelist", "string", "text", "number", "datetime"]
    required: bool
    description: Wording
    values: tuple[Choice, ...] = ()


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of matter. `covers`: codes that a reporter cannot tell apart, filed under this one."""

    code: str
    name: Wording
    group: Wording
    department: str
    family: str
    deadline: Deadline
    danger: bool
    reward_points: int
    aliases: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    covers: tuple[str, ...] = ()


class Phrases(msgspec.Struct, frozen=True, kw_only=True):
    """How people speak of matters: by category, lines, and the sentences that each line makes.

    `anything` stands in reports of every kind. `narrower`: for a general category, words that tell
    which narrower one it is (lower case).
    """

    by_category: dict[str, tuple[tuple[str, ...], ...]]
    anything: tuple[tuple[str, ...], ...]
    narrower: dict[str, dict[str, str]] = {}


class Division(msgspec.Struct, frozen=True):
    """A row of the list of divisions (National Bureau of Statistics, 12-digit codes)."""

    code: str
    name: str
    level: DivisionLevel
    parent_code: str


class Community(msgspec.Struct, frozen=True):
    """Who is responsible for a place, and who stands above (street 9 digits, district 6)."""

    code: str
    name: str
    street: str
    street_code: str
    district: str
    district_code: str


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes that the intake API accepts (http.md); bytes, pixels, seconds, characters, counts."""

    photo_bytes: int
    photo_pixels: int
    photos_per_report: int
    voice_s: int
    voice_bytes: int
    json_bytes: int
    text_chars: int
    batch_reports: int
    original_link_s: int


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """How far a photo and a device's clock may be off before the report says so."""

    photo_within_min: float
    photo_distance_m: float
    clock_ahead_s: float
    clock_behind_h: float


class Flood(msgspec.Struct, frozen=True, kw_only=True):
    """A token bucket: `burst` at once, then one more every `every_s` seconds."""

    burst: int
    every_s: float


class Floods(msgspec.Struct, frozen=True, kw_only=True):
    """Buckets by what is done and for whom it is counted; addresses count by blocks of a prefix."""

    buckets: dict[FloodOf, dict[FloodBy, Flood]]
    v4_prefix: int
    v6_prefix: int


class Sameness(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much evidence says that two reports mean one thing, in nats (logarithms of odds), beside
    their places. At 0 they are joined, above `suggest_above` the handler is asked.

    `same_number`, `other_number`: what is written on the thing. `other_side`: opposite sides of a
    street, another house, another in a row. `same_names`: names that few would use of another.
    `usual_accuracy_m`: how well a device knows its place when it does not say.
    """

    suggest_above: float = -3.0
    usual_accuracy_m: float = 15.0
    same_photo: float = 6.0
    same_number: float = 3.0
    other_number: float = -4.0
    other_side: float = -2.0
    same_names: float = 1.0


class DuplicateRule(msgspec.Struct, frozen=True):
    """Reports of a family join an open case this near and this recent; 0 m means never.

    As far as `suggest_m` further evidence is looked for. `in_rows`: things of this family stand so
    close that the names around them tell none from the next.
    """

    family: str
    distance_m: float
    window_h: float
    suggest_m: float = 0.0
    sameness: Sameness = Sameness()
    in_rows: bool = False

    @property
    def reach_m(self) -> float:
        """As far as a case may be meant."""
        return max(self.distance_m, self.suggest_m) if self.distance_m > 0 else 0.0


class Routing(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets a case beside the community that covers its place; metres, counts.

    `specialists`: the department of a category whose cases it gets first.
    """

    border_m: float = 0.0
    nearest_m: float = 0.0
    last_resort: tuple[Literal["street", "district"], ...] = ()
    most_returns: int = 2
    specialists: dict[str, str] = {}


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a place is: codes of the community that covers it, of those near to it (the nearest
    first, without the one that covers it), of the street (9 digits) and the district (6)."""

    community: str | None = None
    near: tuple[str, ...] = ()
    street: str | None = None
    district: str | None = None


class EmergencyNumber(msgspec.Struct, frozen=True):
    """A number to call instead of reporting."""

    number: str
    name: Wording


class Reason(msgspec.Struct, frozen=True):
    """Why a case was refused or returned, and which roles may say so."""

    code: str
    name: Wording
    by: tuple[Role, ...]


class Rewards(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is worth beyond its category's points, the most a month, and what strikes do.

    `false_reasons` are the reasons of refusal that mean "false or staged"; from `flag_at` strikes
    on, points wait for an operator.
    """

    joined: int
    check: int
    month_cap: int
    false_reasons: frozenset[str]
    flag_at: int


class EscalationStep(msgspec.Struct, frozen=True):
    """Nobody accepted `after_min` minutes past the limit: this level starts to watch."""

    after_min: float
    to: Literal["street", "district"]


class Open311Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the city speaks Open311. `publish`: everybody's requests, or those that came that way.

    With `tokens` a POST gives a token first. No `jurisdictions`: any is accepted and ignored.
    With `require_attributes` a request without a required answer is refused.
    """

    tokens: bool = False
    jurisdictions: tuple[str, ...] = ()
    publish: Literal["all", "open311"] = "all"
    contact: str = ""
    key_service: str = ""
    require_attributes: bool = True


class City(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the code knows of a city, except its polygons (`cities.areas`).

    `version` is a short hash of the files. `aliases` maps every alias to its category.
    `warn_at`, `escalate_at` and `escalate_again_at` are shares of the time to resolve.
    """

    name: Wording
    timezone: str
    languages: tuple[str, ...]
    limits: Limits
    evidence: Evidence
    floods: Floods
    emergency: tuple[EmergencyNumber, ...]
    danger_advice: Wording
    danger_words: tuple[str, ...]
    groups: tuple[Wording, ...]
    departments: dict[str, Wording]
    categories: tuple[Category, ...]
    aliases: dict[str, str]
    divisions: dict[str, Division]
    duplicates: dict[str, DuplicateRule]
    routing: Routing
    h3_resolution: int
    refusal_reasons: tuple[Reason, ...]
    return_reasons: tuple[Reason, ...]
    delay_reasons: tuple[Reason, ...]
    escalation: tuple[EscalationStep, ...]
    rewards: Rewards
    version: str
    verify_after_h: float = 24
    reopen_within_days: float = 7
    warn_at: float = 0.8
    escalate_at: float = 1.5
    escalate_again_at: float = 2.0
    calendar: WorkCalendar = WorkCalendar()
    filed_under: dict[str, Category] = {}

    @property
    def code(self) -> str:
        """Six digits of the whole city, for places that no community covers."""
        return next(each.code[:6] for each in self.divisions.values() if each.level == "city")

    def category(self, code: str | None) -> Category | None:
        """The category with this code, or the one that covers it; None when there is none."""
        return None if code is None else self.filed_under.get(code)

    def family(self, code: str | None) -> str:
        """The family whose cases a report of this category may join."""
        category = self.category(code)
        return UNCATEGORISED if category is None else category.family

    def rule(self, family: str) -> DuplicateRule:
        """The rule of a family that the city knows; KeyError otherwise."""
        return self.duplicates[family]

    def deadline(self, code: str | None) -> Deadline:
        """The limits of a category; without one, those of "other"."""
        category = self.category(code) or self.filed_under[OTHER]
        return category.deadline

    def points(self, code: str | None) -> int:
        """What the first report of a category is worth; without one, as "other"."""
        return (self.category(code) or self.filed_under[OTHER]).reward_points

    def refusal(self, code: str) -> Reason | None:
        """The reason with this code from the city's list, or None."""
        return next((each for each in self.refusal_reasons if each.code == code), None)

    def return_reason(self, code: str) -> Reason | None:
        """The reason for "not ours" with this code, or None."""
        return next((each for each in self.return_reasons if each.code == code), None)

    def delay_reason(self, code: str) -> Reason | None:
        """The reason why work has to wait with this code, or None."""
        return next((each for each in self.delay_reasons if each.code == code), None)

    def reason(self, code: str) -> Reason | None:
        """The reason with this code from any of the city's lists, or None."""
        return self.refusal(code) or self.return_reason(code) or self.delay_reason(code)
