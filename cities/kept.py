"""What was read from a city's files is read once, however many services of a process ask."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from cities.folder import city_folder, city_version

T = TypeVar("T")


def per_version(read: Callable[[str], T]) -> Callable[[str], T]:
    """`read` by a city's name or path gives the value of before while no file has changed.

    Values must not be changed by whoever gets them. One value is kept for each folder.
    """
    kept: dict[str, tuple[str, T]] = {}

    @wraps(read)
    def reading(name_or_path: str) -> T:
        folder, version = str(city_folder(name_or_path)), city_version(name_or_path)
        before = kept.get(folder)
        if before is None or before[0] != version:
            before = kept[folder] = version, read(name_or_path)
        return before[1]

    return reading
