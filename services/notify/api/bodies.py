"""What clients send."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from runtime.http import Body
from services.notify.domain.quiet import CLOCK, Language

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


class WebhookBody(Body):
    """Where to send what; an empty list means all."""

    url: Annotated[str, Field(min_length=1, max_length=2000, pattern=NO_NUL)]
    description: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""
    event_types: Codes = []
    communities: Codes = []
    categories: Codes = []
    active: bool = True
