"""Settings: frozen dataclasses read from the environment; a missing one is said by its name."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

T = TypeVar("T")
Mode = Literal["local", "production"]


class SettingsError(ValueError):
    """A setting is missing or unusable; the text names the variable."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Common:
    """What every process needs to know (prefix YIZHAN_)."""

    kafka: str
    city: str
    mode: Mode = "production"
    internal_url: str = ""
    jwks_url: str = ""
    service_keys: str = ""
    log_level: str = "INFO"
    host: str = "127.0.0.1"
    health_port: int = 0
    slot: str = "0"
    dlq_max_ratio: float = 0.05
    dlq_max_in_row: int = 100


_IN_FILES = ("_DATABASE_URL", "_SERVICE_KEY", "_SERVICE_KEYS", "_WECHAT_SECRET", "_SPEECH_KEY")


def with_secret_files(env: Mapping[str, str]) -> dict[str, str]:
    """The environment with each secret named by `<variable>_FILE` read from that file.

    Raises SettingsError for a file that cannot be read.
    """
    found = dict(env)
    for name, path in env.items():
        variable = name.removesuffix("_FILE")
        if name.startswith("YIZHAN_") and name != variable and variable.endswith(_IN_FILES):
            try:
                found[variable] = Path(path).read_text().strip()
            except OSError as error:
                raise SettingsError(f"{name}: {error.strerror}") from error
    return found


def read(cls: type[T], env: Mapping[str, str], prefix: str = "YIZHAN_") -> T:
    """A frozen dataclass from variables named PREFIX + FIELD. Raises SettingsError."""
    values: dict[str, Any] = {}
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        name = prefix + field.name.upper()
        if name in env:
            values[field.name] = _convert(name, env[name], hints[field.name])
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise SettingsError(f"{name} is not set")
    return cls(**values)


def _convert(name: str, text: str, hint: Any) -> Any:
    try:
        if hint in (str, int, float):
            return hint(text)
        if hint is bool:
            return {"1": True, "true": True, "0": False, "false": False}[text.lower()]
        if hint is Path:
            return Path(text)
        if typing.get_origin(hint) is Literal and text in typing.get_args(hint):
            return text
    except (ValueError, KeyError):
        pass
    raise SettingsError(f"{name} has an unusable value")
