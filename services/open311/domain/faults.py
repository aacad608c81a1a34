"""What is wrong with a request, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A parameter and what is wrong with it."""

    field: str
    zh: str
    en: str


class Faulty(Exception):
    """One or more faults."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(", ".join(each.field for each in faults))
        self.faults = faults


def faulty(field: str, zh: str, en: str) -> Faulty:
    """One fault."""
    return Faulty(Fault(field, zh, en))
