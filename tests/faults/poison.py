"""Records that no consumer can decode (F8), made from one that is well."""

from __future__ import annotations

from dataclasses import replace

from tests.faults.bus import Raw

IN_A_ROW = 300


def undecodable(well: Raw, number: int) -> list[Raw]:
    """One of each kind; `number` makes them differ from those of another call."""
    well = replace(well, partition=None, offset=None)
    mark = str(number).encode()
    unknown = tuple(
        (name, b"NoSuchEvent" if name == "ce_type" else value) for name, value in well.headers
    )
    numbered = (*well.headers, ("number", mark))
    bodies: list[bytes | None] = [
        b"{no json " + mark,
        b'{"text": "\xff\xfe' + mark + b'"}',
        b'{"report_id": NaN, "number": ' + mark + b"}",
        b'{"padding": "' + b"x" * 900_000 + mark + b'"}',
        b"[" * 10_000 + mark + b"]" * 10_000,
        b'{"report_id": ' + mark + b"}",
        None,
    ]
    return [
        *(replace(well, value=body, headers=numbered) for body in bodies),
        replace(well, headers=(("number", mark),)),
        replace(well, headers=(*unknown, ("number", mark))),
    ]


def in_a_row(well: Raw) -> list[Raw]:
    """Three hundred on one partition, one behind the other."""
    return [
        replace(well, value=b"junk %d" % number, partition=0, offset=None)
        for number in range(IN_A_ROW)
    ]
