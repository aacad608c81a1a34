"""The bodies that intake takes and gives, as OpenAPI shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from contracts.submissions import Crs, SentPlace
from runtime.http import Body

MEDIA_ID = r"^[0-9a-f][0-9a-f-]{14,62}[0-9a-f]$"
MediaId = Annotated[str, Field(pattern=MEDIA_ID)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Metres = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Answers = Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=20)]
Key = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[ -~]+$")]


class PlaceBody(Body):
    """Degrees of `crs`; accuracy in metres."""

    lat: Latitude
    lon: Longitude
    crs: Crs = "wgs84"
    accuracy_m: Metres | None = None

    def sent(self) -> SentPlace:
        """As the event carries it."""
        return SentPlace(lat=self.lat, lon=self.lon, crs=self.crs, accuracy_m=self.accuracy_m)


class ReportBody(Body):
    """One photo, or one voice note, or one sentence is enough; everything else helps."""

    text: str | None = None
    category: Annotated[str, Field(max_length=40)] | None = None
    place: PlaceBody | None = None
    media: Annotated[list[MediaId], Field(max_length=20)] = []
    attributes: Annotated[
        dict[Annotated[str, Field(max_length=60)], Answers], Field(max_length=30)
    ] = {}
    observed_at: AwareDatetime | None = None


class BatchItem(ReportBody):
    """A report with a key of its own."""

    idempotency_key: Key | None = None


class BatchBody(Body):
    """Items are checked one by one: a bad one does not hold the others."""

    reports: Annotated[list[dict[str, Any]], Field(min_length=1)]


class SessionBody(Body):
    """A device (without its secret: a new reporter), or a code of WeChat's, or an ID token.

    Who signs in sends the device's id and secret too: what the device sent becomes theirs. With
    `cookie` the tokens come as cookies that no script can read, for a web page.
    """

    device_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    device_secret: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    wechat_code: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    oidc_token: Annotated[str, Field(min_length=1, max_length=8192)] | None = None
    cookie: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        signs_in = (self.wechat_code is not None) + (self.oidc_token is not None)
        if signs_in > 1:
            raise ValueError("either wechat_code or oidc_token")
        if self.device_id is None and (not signs_in or self.device_secret is not None):
            raise ValueError("device_id is missing")
        if signs_in and self.device_id is not None and self.device_secret is None:
            raise ValueError("device_secret is missing")
        return self


class MeBody(Body):
    """What changes; what is left out stays. `consent` names the terms; null takes it back."""

    language: Literal["zh-CN", "en"] | None = None
    consent: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[ -~]+$")] | None = None


class RefreshBody(Body):
    """The token that came last; a page's is in its cookie."""

    refresh_token: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class Links(BaseModel):
    """Where to go on."""

    self: str


class SessionGiven(BaseModel):
    """`device_secret` comes once, with a new reporter. Staff get `role` and no refresh token.

    Without tokens when they came as cookies.
    """

    reporter_id: str | None = None
    role: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    expires_in_s: int
    device_secret: str | None = None


class MediaGiven(BaseModel):
    """A medium by its id."""

    id: str
    kind: str
    content_type: str
    links: Links


class OpeningGiven(BaseModel):
    """Who opened an original, because of which case."""

    opened_at: datetime
    given_to: str
    role: str
    case_id: UUID


class OpeningsGiven(BaseModel):
    """Newest first; `cursor` for older ones."""

    openings: list[OpeningGiven]
    cursor: str | None = None


class InBothLanguages(BaseModel):
    """A text for people."""

    zh: str
    en: str


class NumberToCall(BaseModel):
    """A telephone number and whose it is."""

    number: str
    name: InBothLanguages


class Danger(BaseModel):
    """Somebody may be in danger: show this at once, do not wait for the case."""

    advice: InBothLanguages
    call: list[NumberToCall]


class ReportGiven(BaseModel):
    """Durable: nothing accepted is lost. `danger` stands there only when the words, or the category
    that was chosen, say so."""

    id: str
    code: str
    links: Links
    danger: Danger | None = None


class BatchResult(BaseModel):
    """Either the report or what was wrong with it."""

    status: int
    report: ReportGiven | None = None
    problem: dict[str, Any] | None = None


class BatchGiven(BaseModel):
    """In the order of the items."""

    results: list[BatchResult]


class Me(BaseModel):
    """The caller; `created_at` is null for staff, whose accounts are kept elsewhere."""

    id: str
    role: str
    language: str
    created_at: datetime | None = None
    consent: str | None = None
    consented_at: datetime | None = None


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema without references, for a route that reads its body itself."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [resolve(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return resolve(definitions[node["$ref"].rpartition("/")[2]])
        return {name: resolve(value) for name, value in node.items()}

    resolved = resolve(schema)
    assert isinstance(resolved, dict)
    return resolved
