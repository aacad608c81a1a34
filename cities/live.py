"""A city that may change while processes run: its files are looked at, and taken when good."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from cities.areas import Areas, load_areas
from cities.load import DATA_SUFFIXES, CityError, city_folder, load_city
from cities.phrases import load_phrases
from contracts.city import City, Phrases

LOOK_S = 5.0
Stamp = tuple[tuple[str, int, int], ...]

log = logging.getLogger(__name__)


class LiveCity:
    """`city`, `areas` and `phrases` as they were last read without a fault.

    Raises CityError at the start.

    `changed` is called without a fault for new ones, with it while the old ones stay.
    """

    def __init__(self, name_or_path: str, changed: Callable[[CityError | None], None]) -> None:
        self._name, self._changed = name_or_path, changed
        self._stamp = self._look()
        self.city: City = load_city(name_or_path)
        self.areas: Areas = load_areas(name_or_path)
        self.phrases: Phrases = load_phrases(name_or_path, self.city)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Looks every five seconds, beside whoever uses the city."""
        following = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            following.cancel()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            stamp = await asyncio.to_thread(self._look)
            if stamp == self._stamp:
                continue
            # Written in several steps: taken once they have not moved between two looks.
            self._stamp, before = stamp, self.city.version
            await asyncio.sleep(LOOK_S / 5)
            if await asyncio.to_thread(self._look) != stamp:
                self._stamp = ()
                continue
            try:
                city = await asyncio.to_thread(load_city, self._name)
                areas = await asyncio.to_thread(load_areas, self._name)
                phrases = await asyncio.to_thread(load_phrases, self._name, city)
            except CityError as error:
                log.error("the city's files are broken, what was read before stays: %s", error)
                self._changed(error)
                continue
            if city.version != before:
                self.city, self.areas, self.phrases = city, areas, phrases
                log.warning("the city is version %s now, it was %s", city.version, before)
                self._changed(None)

    def _look(self) -> Stamp:
        """What tells that a file was replaced: name, size, time."""
        found = []
        for file in sorted(Path(city_folder(self._name)).iterdir()):
            if file.suffix in DATA_SUFFIXES:
                at = file.stat()
                found.append((file.name, at.st_size, at.st_mtime_ns))
        return tuple(found)
