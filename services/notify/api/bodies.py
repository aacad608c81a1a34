"""What clients send."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from contracts.submissions import Crs
from runtime.http import Body
from services.notify.domain.quiet import CLOCK, Language
from services.notify.domain.subscribing import LEAST_RADIUS_M, MOST_RADIUS_M

NO_NUL = r"^[^\x00]*$"
"""PostgreSQL keeps every character but this one."""
Clock = Annotated[str, Field(pattern=CLOCK)]
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL)]
Codes = Annotated[list[Code], Field(max_length=500)]


class QuietHours(Body):
    """HH:MM in the city's time; may pass midnight. Urgent notices ring all the same."""

    begin: Clock
    end: Clock

    @model_validator(mode="after")
    def _not_equal(self) -> Self:
        if self.begin == self.end:
            raise ValueError("quiet hours begin and end at the same time")
        return self


class Channels(Body):
    """The inbox has every notice; `stream` False keeps them off the live stream."""

    inbox: Literal[True] = True
    stream: bool = True


class PreferencesBody(Body):
    """All of them: what is left out is reset."""

    language: Language | None = None
    quiet_hours: QuietHours | None = None
    channels: Channels = Channels()


class AreaBody(Body):
    """A circle: its middle in degrees of `crs`, its radius in metres."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    crs: Crs = "wgs84"
    radius_m: Annotated[int, Field(ge=LEAST_RADIUS_M, le=MOST_RADIUS_M)]


class SubscriptionBody(Body):
    """One case; or an area, or a division, or neither, narrowed by a category.

    `division`: 12 digits, or 9 of a street, or 6 of a district.
    """

    case: UUID | None = None
    area: AreaBody | None = None
    division: Annotated[str, Field(pattern=r"^(\d{6}|\d{9}|\d{12})$")] | None = None
    category: Code | None = None

    @model_validator(mode="after")
    def _one_wish(self) -> Self:
        if self.case and (self.area or self.division or self.category):
            raise ValueError("a case stands alone: no area, division or category beside it")
        if self.area and self.division:
            raise ValueError("either an area or a division")
        if not (self.case or self.area or self.division or self.category):
            raise ValueError("one of case, area, division, category is needed")
        return self


class WebhookBody(Body):
    """Where to send what; an empty list means all."""

    url: Annotated[str, Field(min_length=1, max_length=2000, pattern=NO_NUL)]
    description: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""
    event_types: Codes = []
    communities: Codes = []
    categories: Codes = []
    active: bool = True
