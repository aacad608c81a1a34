"""YAML whose every value remembers its line, so that a broken city file can be pointed at."""

from __future__ import annotations

import re
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

T = TypeVar("T")
ON_PATH = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
LAST_STEP = re.compile(r"(\.[^.\[\]]+|\[[^\]]*\])$")


class CityError(ValueError):
    """A city file that cannot be used; reads "file:line: reason"."""

    def __init__(self, file: Path, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}")
        self.file, self.line, self.reason = file, line, reason


def read_text(file: Path) -> str:
    """The file's text; CityError when it is not there or not UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CityError(file, 0, "there is no such file") from None
    except UnicodeDecodeError as error:
        raise CityError(file, 0, f"is not UTF-8: {error}") from error


class Marked:
    """A YAML document as plain data, with the line of every value by its path (`$.a[0].b`)."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines: dict[str, int] = {}
        self._scalars = yaml.SafeLoader("")
        try:
            root = yaml.compose(read_text(file), Loader=yaml.CSafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 0
            raise CityError(file, line, str(error.problem or error.context)) from error
        except yaml.YAMLError as error:
            raise CityError(file, 0, str(error)) from error
        self.data = None if root is None else self._plain(root, "$")

    def error(self, path: str, reason: str) -> CityError:
        """An error at the line of `path`, or of the nearest value round it."""
        while path not in self.lines and LAST_STEP.search(path):
            path = LAST_STEP.sub("", path)
        return CityError(self.file, self.lines.get(path, 0), reason)

    def to(self, shape: type[T]) -> T:
        """The whole document in a typed shape; CityError names the value that does not fit."""
        try:
            return msgspec.convert(self.data, shape)
        except msgspec.ValidationError as error:
            found = ON_PATH.match(str(error))
            path = (found["path"] if found else None) or "$"
            raise self.error(path, f"{found['reason'] if found else error} (at {path})") from error

    def _plain(self, node: yaml.Node, path: str) -> Any:
        self.lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(each, f"{path}[{at}]") for at, each in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        value = self._scalars.construct_object(node)
        if isinstance(value, float) and not isfinite(value):
            raise self.error(path, f"{value} is not a number to work with")
        return value

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                raise CityError(self.file, key_node.start_mark.line + 1, "a key must be a word")
            if key in plain:
                raise CityError(self.file, key_node.start_mark.line + 1, f"{key} stands here twice")
            plain[key] = self._plain(value_node, f"{path}.{key}")
        return plain
