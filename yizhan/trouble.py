"""What is wrong with the machine or the data, in one line that a person can act on."""

from __future__ import annotations


class Trouble(Exception):
    """Expected at the edge of the program: printed as one line, exit 1, never a traceback."""
