"""How long a voice note is; runs in the child only. What cannot be measured is None."""

from __future__ import annotations

import io

from tinytag import TinyTag  # small, and reads all but bare AMR and AAC

from services.intake.adapters.photos.content_type import ContentType

# Bytes of a frame behind its first one, by mode: RFC 4867, with 3GPP TS 26.101 and 26.201.
AMR_FRAMES = (12, 13, 15, 17, 19, 20, 26, 31, 5, 0, 0, 0, 0, 0, 0, 0)
AMR_WB_FRAMES = (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, 0, 0, 0, 0, 0, 0)
AMR_FRAME_S = 0.02
# ISO/IEC 14496-3: sampling frequencies of an ADTS header; a frame has 1024 samples a block.
AAC_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
AAC_SAMPLES = 1024
ADTS_HEADER = 7


def seconds(data: bytes, content_type: ContentType) -> float | None:
    """Of sound, by the frames or by what the file says of itself."""
    if content_type == "audio/amr":
        return _amr(data, len(b"#!AMR\n"), AMR_FRAMES)
    if content_type == "audio/amr-wb":
        return _amr(data, len(b"#!AMR-WB\n"), AMR_WB_FRAMES)
    if content_type == "audio/aac":
        return _adts(data)
    try:
        found = TinyTag.get(file_obj=io.BytesIO(data), tags=False).duration
    except Exception:
        return None  # a broken file is for the listener to judge
    return float(found) if found else None


def _amr(data: bytes, at: int, frames: tuple[int, ...]) -> float:
    count = 0
    while at < len(data):
        at += 1 + frames[(data[at] >> 3) & 0xF]
        count += 1
    return count * AMR_FRAME_S


def _adts(data: bytes) -> float | None:
    at, total = 0, 0.0
    while at + ADTS_HEADER <= len(data) and data[at] == 0xFF and data[at + 1] & 0xF0 == 0xF0:
        rate = (data[at + 2] >> 2) & 0xF
        size = (data[at + 3] & 0b11) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        if size < ADTS_HEADER or rate >= len(AAC_HZ):
            break
        total += ((data[at + 6] & 0b11) + 1) * AAC_SAMPLES / AAC_HZ[rate]
        at += size
    return total or None
