"""What the audience sees: one screen an act, a hundred columns, no colour where it is piped."""

from __future__ import annotations

from datetime import datetime
from typing import TextIO
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

COLUMNS = 100
STYLES = {
    "time": "cyan",
    "good": "green",
    "bad": "bold red",
    "dim": "bright_black",
    "title": "bold",
    "people": "yellow",
}


class Screen:
    """Lines with a style; `zone` is the city's, in which every time is shown."""

    def __init__(self, out: TextIO, zone: ZoneInfo) -> None:
        self.zone = zone
        self._console = Console(file=out, width=COLUMNS, highlight=False, emoji=False)

    def act(self, number: int, zh: str, en: str) -> None:
        """The heading of an act."""
        self._console.print()
        title = Text(f"── {number} {zh} · {en} ", style=STYLES["title"])
        title.append("─" * max(0, COLUMNS - title.cell_len))
        self._console.print(title)

    def line(self, text: str, style: str = "") -> None:
        """One line; a longer one is wrapped."""
        self._console.print(Text(text, style=STYLES.get(style, style)))

    def step(self, after_ms: float, where: str, text: str, style: str = "") -> None:
        """A hop: how long after the client began to send, where, what."""
        row = Text(f"  {after_ms:7.0f} ms  ", style=STYLES["time"])
        row.append(f"{padded(where, 13)}", style=STYLES["dim"])
        row.append(text, style=STYLES.get(style, style))
        self._console.print(row)

    def person(self, who: str, text: str) -> None:
        """What somebody does or sees."""
        row = Text(f"     {padded(who, 10)}", style=STYLES["people"])
        row.append(text)
        self._console.print(row)

    def checked(self, good: bool, text: str) -> None:
        """A finding."""
        mark, style = ("✓", "good") if good else ("✗", "bad")
        row = Text(f"  {mark} ", style=STYLES[style])
        row.append(text, style="" if good else STYLES["bad"])
        self._console.print(row)

    def local(self, at: datetime) -> str:
        """An instant on the city's clock."""
        return at.astimezone(self.zone).strftime("%m-%d %H:%M")


def padded(text: str, columns: int) -> str:
    """Filled with spaces to that many columns; a Chinese character takes two."""
    return text + " " * max(1, columns - cell_len(text))
