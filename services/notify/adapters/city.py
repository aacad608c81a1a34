"""What notify knows of the city: its words, and the table of who hears what."""

from __future__ import annotations

from dataclasses import dataclass

from cities.load import load_city
from cities.notices import load_notices
from contracts.city import City
from contracts.notice_table import NoticeTable


@dataclass(frozen=True)
class Known:
    """Both of one version of the city's files."""

    city: City
    table: NoticeTable


def read_known(name_or_path: str) -> Known:
    """Raises CityError, "file:line: reason"."""
    return Known(load_city(name_or_path), load_notices(name_or_path))
