"""Says what a file is by its first bytes; names and client headers are never believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.submissions import MediaKind

HEAD_BYTES = 4096
"""How much of the file `sniff` wants; fewer are fine when the file is shorter."""

ContentType = Literal[
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/heic",
    "audio/mp4",
    "audio/aac",
    "audio/mpeg",
    "audio/ogg",
    "audio/amr",
    "audio/amr-wb",
    "audio/wav",
]


@dataclass(frozen=True)
class MediaType:
    """A kind that reports may carry and its content type, as it is stored and served."""

    kind: MediaKind
    content_type: ContentType


HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis"}
AVIF_BRANDS = {b"avif", b"avis"}
# What phones' recorders write: the ISO base format also carries films, see `_has_pictures`.
AUDIO_BRANDS = {b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"iso2", b"3gp4", b"3gp5", b"3gp6"}
MOST_BRANDS = 32
MPEG_LAYER_3 = 0b010


def sniff(head: bytes) -> MediaType | None:
    """The type of a file that starts with `head`, or None: the answer to that is 415.

    AVIF, GIF, TIFF, SVG, PDF, HTML, archives and films are None.
    """
    content_type = _by_magic(head) or _by_brand(head) or _mpeg_audio(head)
    if content_type is None:
        return None
    return MediaType("photo" if content_type.startswith("image/") else "voice", content_type)


def _by_magic(head: bytes) -> ContentType | None:
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav"
    if head.startswith(b"OggS\x00"):
        return "audio/ogg"
    if head.startswith(b"#!AMR-WB\n"):
        return "audio/amr-wb"
    return "audio/amr" if head.startswith(b"#!AMR\n") else None


def _by_brand(head: bytes) -> ContentType | None:
    """ISO base media files (HEIC, M4A): by the brands of the first box."""
    if head[4:8] != b"ftyp":
        return None
    box = head[: min(int.from_bytes(head[:4], "big"), 16 + 4 * MOST_BRANDS)]
    major = box[8:12]
    brands = {major, *(box[at : at + 4] for at in range(16, len(box) - 3, 4))}
    if brands & AVIF_BRANDS:
        return None
    if major in HEIC_BRANDS or (major == b"mif1" and brands & HEIC_BRANDS):
        return "image/heic"
    return "audio/mp4" if major in AUDIO_BRANDS and not _has_pictures(head) else None


def _has_pictures(head: bytes) -> bool:
    """True for a film whose index stands at its start; one at its end is the transcriber's."""
    return b"vmhd" in head or b"hdlr\x00\x00\x00\x00\x00\x00\x00\x00vide" in head


def _mpeg_audio(head: bytes) -> ContentType | None:
    """MP3 by its tag or by a valid frame header of layer III; AAC by an ADTS header."""
    if head.startswith(b"ID3") and len(head) > 10 and head[3] in (2, 3, 4):
        return "audio/mpeg"
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac" if (head[2] >> 2) & 0xF < 13 else None
    layer_3 = head[1] & 0xE0 == 0xE0 and head[1] & 0b110 == MPEG_LAYER_3
    version_known = (head[1] >> 3) & 0b11 != 0b01
    rates_known = 0 < head[2] >> 4 < 15 and (head[2] >> 2) & 0b11 != 0b11
    return "audio/mpeg" if layer_3 and version_known and rates_known else None
