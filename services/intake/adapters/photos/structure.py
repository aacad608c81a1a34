"""Judges a photo by its header and skeleton, before any decoder sees it: dear files cost nothing.

Only what decides about cost or a cut-off file is looked at; the decoder judges the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.intake.adapters.photos.messages import Refusal

MOST_FRAMES = 4
MOST_SCANS = 100
# 60 megapixels cost up to 0.08 s a scan: the 10 that cameras write stay below a second.
MOST_SCANNED_PIXELS = 600_000_000
# Pillow's WebP reader holds four canvases at once: more would not fit into the child.
MOST_WEBP_PIXELS = 20_000_000

SOI, EOI, SOS = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"
BARE_MARKERS = {0x01, *range(0xD0, 0xD8)}
FRAME_MARKERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class Declared:
    """What the header says, in pixels; `frames` counts pictures of an animation."""

    width: int
    height: int
    frames: int = 1
    scans: int = 1
    complete: bool = True


def judge(declared: Declared | None, most_pixels: int) -> Refusal | None:
    """Why such a file is refused, or None."""
    if declared is None or declared.width < 1 or declared.height < 1:
        return "damaged"
    pixels = declared.width * declared.height
    if pixels > most_pixels:
        return "too-many-pixels"
    if declared.frames > MOST_FRAMES or declared.scans > MOST_SCANS:
        return "too-many-frames"
    if declared.scans * pixels > MOST_SCANNED_PIXELS:
        return "too-many-frames"
    return None if declared.complete else "damaged"


def jpeg(data: bytes) -> Declared | None:
    """Walks the segments up to the first scan; None when they lead nowhere."""
    at, size = len(SOI), (0, 0)
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or marker in BARE_MARKERS:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == SOS[1]:
            return Declared(*size, scans=data.count(SOS, at), complete=data.rfind(EOI) > at)
        if marker in FRAME_MARKERS and at + 9 <= len(data):
            height, width = _big(data[at + 5 : at + 7]), _big(data[at + 7 : at + 9])
            size = (width, height)
        at += 2 + max(_big(data[at + 2 : at + 4]), 2)
    return None


def png(data: bytes) -> Declared | None:
    """IHDR, the number of frames of an APNG, and whether the last chunk is there."""
    if len(data) < 33:
        return None
    frames, at, ended = 1, 8, False
    while at + 8 <= len(data) and not ended:
        size, name = _big(data[at : at + 4]), data[at + 4 : at + 8]
        if name == b"acTL":
            frames = _big(data[at + 8 : at + 12])
        ended = name == b"IEND"
        at += 12 + size
    return Declared(_big(data[16:20]), _big(data[20:24]), frames=frames, complete=ended)


def webp(data: bytes) -> Declared | None:
    """The canvas of any of the three layouts, and the frames of an animation."""
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        width, height = _little(body[4:7]) + 1, _little(body[7:10]) + 1
    elif kind == b"VP8L":
        bits = _little(body[1:5])
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = _little(body[6:8]) & 0x3FFF, _little(body[8:10]) & 0x3FFF
    else:
        return None
    frames = max(1, data.count(b"ANMF")) if kind == b"VP8X" and body[0] & 0x02 else 1
    return Declared(width, height, frames=frames, complete=_little(data[4:8]) + 8 <= len(data))


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")
