"""A city that may change while processes run: its files are looked at, and taken when good."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from cities.folder import DATA_SUFFIXES, city_folder, city_version
from cities.marked import CityError
from contracts.city import City

if TYPE_CHECKING:  # shapely is not for everybody who follows a city
    from cities.areas import Areas

LOOK_S = 5.0
T = TypeVar("T")
HasCity = TypeVar("HasCity", bound="_HasCity")
HasAreas = TypeVar("HasAreas", bound="_HasAreas")
Told = Callable[[CityError | None], None]
Stamp = tuple[tuple[str, int, int], ...]

log = logging.getLogger(__name__)


class Live(Generic[T]):
    """What a service reads from the city's files; `now` is the last that had no fault.

    `read` makes it from the city's name or path, and raises CityError; at the start that is the
    caller's. `told` is called without a fault for new files, with it while the old ones stay.
    """

    def __init__(self, name_or_path: str, read: Callable[[str], T], told: Told) -> None:
        self._name, self._read, self._told = name_or_path, read, told
        self._stamp = self._look()
        self._version = city_version(name_or_path)
        self._broken = False
        self.now: T = read(name_or_path)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Looks every five seconds, beside whoever uses the city."""
        task = asyncio.create_task(self.follow())
        try:
            yield
        finally:
            task.cancel()

    async def follow(self) -> None:
        """Looks every five seconds, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            stamp = await asyncio.to_thread(self._look)
            if stamp == self._stamp:
                continue
            self._stamp = stamp
            # Written in several steps: taken once they have not moved between two looks.
            await asyncio.sleep(LOOK_S / 5)
            if await asyncio.to_thread(self._look) != stamp:
                self._stamp = ()
                continue
            try:
                now = await asyncio.to_thread(self._read, self._name)
                version = await asyncio.to_thread(city_version, self._name)
            except CityError as error:
                log.error("the city's files are broken, what was read before stays: %s", error)
                self._broken = True
                self._told(error)
                continue
            if version != self._version or self._broken:
                log.warning("the city is version %s now, it was %s", version, self._version)
                self.now, self._version, self._broken = now, version, False
                self._told(None)

    def _look(self) -> Stamp:
        """What tells that a file was replaced: name, size, time."""
        found = []
        for file in sorted(Path(city_folder(self._name)).iterdir()):
            if file.suffix in DATA_SUFFIXES:
                at = file.stat()
                found.append((file.name, at.st_size, at.st_mtime_ns))
        return tuple(found)


class _HasCity(Protocol):
    @property
    def city(self) -> City: ...


class _HasAreas(_HasCity, Protocol):
    @property
    def areas(self) -> Areas: ...


class OfCity(Generic[HasCity]):
    """For what an API works with: the city as its files are now."""

    live: Live[HasCity]

    @property
    def city(self) -> City:
        """As it is now."""
        return self.live.now.city

    @property
    def zone(self) -> ZoneInfo:
        """Of the city."""
        return ZoneInfo(self.city.timezone)


class OfCityAndAreas(OfCity[HasAreas]):
    """The same with its polygons."""

    @property
    def areas(self) -> Areas:
        """As they are now."""
        return self.live.now.areas
