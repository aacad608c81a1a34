"""Which folder a city is, which files stand in it, and in which version."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from cities.marked import CityError

FILES = (
    "city.yaml",
    "categories.yaml",
    "duplicates.yaml",
    "rewards.yaml",
    "staff.yaml",
    "notices.yaml",
    "divisions.csv",
    "communities.geojson",
    "districts.geojson",
)
DATA_SUFFIXES = {".yaml", ".csv", ".geojson"}


def city_folder(name_or_path: str) -> Path:
    """The folder of a shipped city by its name, or any folder by its path; CityError if none."""
    shipped = Path(__file__).parent / name_or_path
    folder = shipped if "/" not in name_or_path and shipped.is_dir() else Path(name_or_path)
    if not folder.is_dir():
        raise CityError(folder, 0, "there is no such city")
    return folder


def data_files(name_or_path: str) -> list[Path]:
    """What a city's version is made of, in the order of their names."""
    folder = city_folder(name_or_path)
    return sorted(each for each in folder.iterdir() if each.suffix in DATA_SUFFIXES)


def city_version(name_or_path: str) -> str:
    """Twelve digits that change when any data file of the city changes."""
    folder = city_folder(name_or_path)
    for name in FILES:
        if not (folder / name).is_file():
            raise CityError(folder / name, 0, "there is no such file")
    digest = sha256()
    for file in data_files(name_or_path):
        digest.update(file.name.encode() + b"\0" + sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]
