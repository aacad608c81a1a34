"""Keeps the processes' log files bounded: a file and the one before it."""

from __future__ import annotations

import shutil
from pathlib import Path

MAX_BYTES = 10_000_000


def bounded(log: Path, max_bytes: int = MAX_BYTES) -> None:
    """Copies a file that is too long to NAME.1 and empties it.

    Its writer has it open for appending and goes on; what it writes during the copy is lost.
    """
    try:
        if log.stat().st_size > max_bytes:
            shutil.copyfile(log, log.with_name(log.name + ".1"))
            with log.open("r+b") as file:
                file.truncate()
    except FileNotFoundError:
        return


def last_line(log: Path) -> str:
    """The last line that says something, for an error message."""
    try:
        lines = log.read_bytes()[-4000:].decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
