"""The README's promises that a machine can check: links resolve, commands exist."""

from __future__ import annotations

import re

import pytest

from tests.sourcecode import ROOT
from yizhan.cli import cli

TEXT = (ROOT / "README.md").read_text()
LINKS = sorted(set(re.findall(r"\]\(([^)\s]+)\)", TEXT)))


@pytest.mark.parametrize("link", LINKS)
def test_a_link_resolves(link: str) -> None:
    assert not link.startswith("http"), "the README stands without a network"
    assert (ROOT / link).exists()


def test_make_targets_exist() -> None:
    rules = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = set(re.findall(r"make ([a-z]+)", TEXT))
    assert {"demo", "test", "up"} <= named <= set(rules)


def test_every_command_is_named() -> None:
    for name in cli.commands:
        assert re.search(rf"`{name}\b", TEXT), f"yizhan {name} is not in the README"


def test_it_is_one_screen_and_honest() -> None:
    assert len(TEXT.splitlines()) <= 110
    assert "SYNTHETIC" in TEXT
