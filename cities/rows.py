"""The fields of the city's YAML files, as people write them; the readers turn them into values."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from contracts.city import Flood, FloodBy, FloodOf, Floods, Role, Sameness, Wording
from contracts.staff import StaffRole

HOUR_S = 3600.0


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every table of the city's files refuses a field that it does not know."""


class NamedRow(Row, frozen=True, kw_only=True):
    name_zh: str
    name_en: str

    def wording(self) -> Wording:
        return Wording(self.name_zh, self.name_en)


class DepartmentRow(NamedRow, frozen=True, kw_only=True):
    code: str


class ChoiceRow(NamedRow, frozen=True, kw_only=True):
    key: str


class QuestionRow(Row, frozen=True, kw_only=True):
    code: str
    datatype: Literal["singlevaluelist", "multivaluelist", "string", "text", "number", "datetime"]
    required: bool
    description_zh: str
    description_en: str
    values: list[ChoiceRow]


class DeadlineRow(Row, frozen=True, kw_only=True):
    accept_minutes: float
    make_safe_hours: float | None
    resolve_hours: float | None
    resolve_workdays: int | None
    window: str | None
    basis: Literal["published", "estimate"]
    source: str


class CategoryRow(NamedRow, frozen=True, kw_only=True):
    code: str
    group: str
    department: str
    aliases_zh: list[str]
    aliases_en: list[str]
    deadline: DeadlineRow
    danger: bool
    reward_points: int
    questions: list[QuestionRow]
    covers: list[str]


class CategoriesFile(Row, frozen=True, kw_only=True):
    version: int
    groups: list[NamedRow]
    departments: list[DepartmentRow]
    categories: list[CategoryRow]


class DefaultRow(Row, frozen=True, kw_only=True):
    distance_m: float
    window_h: float
    suggest_m: float = 0.0


class FamilyRow(Row, frozen=True, kw_only=True):
    family: str
    categories: list[str]
    distance_m: float | None = None
    window_h: float | None = None
    suggest_m: float | None = None
    in_rows: bool = False


class DuplicatesFile(Row, frozen=True, kw_only=True):
    h3_resolution: int
    default: DefaultRow
    families: list[FamilyRow]
    sameness: Sameness = Sameness()


class WordsRow(Row, frozen=True, kw_only=True):
    zh: list[str]
    en: list[str]


class PhrasesFile(Row, frozen=True, kw_only=True):
    slots: dict[str, str]
    anything: WordsRow
    categories: dict[str, WordsRow]
    narrower: dict[str, dict[str, list[str]]] = {}


class WordingRow(Row, frozen=True, kw_only=True):
    zh: str
    en: str

    def wording(self) -> Wording:
        return Wording(self.zh, self.en)


class ReasonRow(Row, frozen=True, kw_only=True):
    code: str
    by: list[Role]
    name: WordingRow


class EmergencyRow(Row, frozen=True, kw_only=True):
    number: str
    name: WordingRow


class EscalationRow(Row, frozen=True, kw_only=True):
    after_min: float
    to: Literal["street", "district"]


class StrikesRow(Row, frozen=True, kw_only=True):
    reasons: list[str]
    flag_at: int


class RewardsFile(Row, frozen=True, kw_only=True):
    joined: int
    check: int
    month_cap: int
    strikes: StrikesRow


class MilestonesRow(Row, frozen=True, kw_only=True):
    warn_at: float
    escalate_at: float
    escalate_again_at: float


class LimitsRow(Row, frozen=True, kw_only=True):
    photo_bytes: int
    photo_pixels: int
    photos_per_report: int
    voice_s: int
    voice_bytes: int
    json_bytes: int
    text_chars: int
    batch_reports: int
    original_link_s: int


class EvidenceRow(Row, frozen=True, kw_only=True):
    photo_within_min: Annotated[float, Meta(gt=0)]
    photo_distance_m: Annotated[float, Meta(gt=0)]
    clock_ahead_s: Annotated[float, Meta(ge=0)]
    clock_behind_h: Annotated[float, Meta(gt=0)]


class FloodRow(Row, frozen=True, kw_only=True):
    burst: Annotated[int, Meta(ge=1)]
    per_hour: Annotated[float, Meta(gt=0)]


class AddressBlockRow(Row, frozen=True, kw_only=True):
    v4_prefix: Annotated[int, Meta(ge=8, le=32)]
    v6_prefix: Annotated[int, Meta(ge=16, le=128)]


class FloodsRow(Row, frozen=True, kw_only=True):
    address_block: AddressBlockRow
    buckets: dict[FloodOf, dict[FloodBy, FloodRow]]

    def floods(self) -> Floods:
        return Floods(
            buckets={
                of: {
                    by: Flood(burst=row.burst, every_s=HOUR_S / row.per_hour)
                    for by, row in each.items()
                }
                for of, each in self.buckets.items()
            },
            v4_prefix=self.address_block.v4_prefix,
            v6_prefix=self.address_block.v6_prefix,
        )


class CityFile(Row, frozen=True, kw_only=True):
    name: WordingRow
    timezone: str
    languages: list[Literal["zh-CN", "en"]]
    limits: LimitsRow
    evidence: EvidenceRow
    floods: FloodsRow
    emergency: list[EmergencyRow]
    danger_advice: WordingRow
    danger_words: WordsRow
    refusal_reasons: list[ReasonRow]
    return_reasons: list[ReasonRow]
    delay_reasons: list[ReasonRow]
    verify_after_h: float
    reopen_within_days: float
    calendar: Literal["china", "weekdays"]
    milestones: MilestonesRow
    escalation: list[EscalationRow]


class TextRow(Row, frozen=True, kw_only=True):
    title: str
    body: str


class ToldRow(Row, frozen=True, kw_only=True):
    event: str
    to: list[str]
    texts: dict[str, TextRow]
    when: dict[str, list[str]] = {}
    urgent: bool = False


class NoticesFile(Row, frozen=True, kw_only=True):
    webhooks: list[str]
    notices: list[ToldRow]


class StaffOfRow(Row, frozen=True, kw_only=True):
    word: str
    role: StaffRole
    of: list[str] = []


class StaffFile(Row, frozen=True, kw_only=True):
    claim: str
    staff: list[StaffOfRow]
