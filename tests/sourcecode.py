"""The product's own source as the tests of its shape see it: files and syntax trees."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("contracts", "runtime", "services", "cities", "yizhan", "docs", "deploy")


def product_modules() -> Iterator[Path]:
    """Every Python module that ships."""
    for room in PRODUCT:
        yield from sorted((ROOT / room).rglob("*.py"))


def service_folders() -> list[Path]:
    """The services that exist by now."""
    return sorted(path.parent for path in (ROOT / "services").glob("*/__init__.py"))


def tracked_files() -> list[Path]:
    """What git tracks and the working tree has."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


@cache
def tree(path: Path) -> ast.Module:
    """The module's syntax tree."""
    return ast.parse(path.read_text(), filename=str(path))


def calls(node: ast.AST) -> Iterator[ast.Call]:
    """Every call below a node."""
    return (each for each in ast.walk(node) if isinstance(each, ast.Call))


def name_of(node: ast.AST | None) -> str:
    """`a.b.c` for a name or an attribute (`.c` after anything else), or an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return ""


def imported(path: Path, *, whole: bool = False) -> set[str]:
    """The modules that a module imports: their first words, or in `whole`."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names if whole else {name.split(".")[0] for name in names}
