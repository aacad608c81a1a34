"""How long voice notes are, of each kind; what is broken has no length."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest

from services.intake.adapters.photos.content_type import ContentType, sniff
from services.intake.adapters.photos.sound import seconds

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "media"
REAL = {
    "speech_human.wav": 3.48,
    "speech_lamp_synthetic.m4a": 4.563,
    "speech_lamp_synthetic.ogg": 4.5625,
}


def wav(length_s: float) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes(int(8000 * length_s)))
    return out.getvalue()


def amr(length_s: float) -> bytes:
    """12.2 kbit/s: a byte that says so and 31 more, every 20 ms."""
    return b"#!AMR\n" + (b"\x3c" + bytes(31)) * round(length_s / 0.02)


def amr_wb(length_s: float) -> bytes:
    return b"#!AMR-WB\n" + (b"\x04" + bytes(17)) * round(length_s / 0.02)


def aac(length_s: float) -> bytes:
    """ADTS, 16 kHz, frames of 100 bytes."""
    header = bytes([0xFF, 0xF1, 8 << 2, 0, 100 >> 3, (100 & 7) << 5, 0])
    return (header + bytes(93)) * round(length_s * 16000 / 1024)


def mp3(length_s: float) -> bytes:
    """MPEG 1 layer III, 128 kbit/s, 44.1 kHz: frames of 417 bytes and 1152 samples."""
    return (b"\xff\xfb\x90\x00" + bytes(413)) * round(length_s * 44100 / 1152)


@pytest.mark.parametrize("made", [wav, amr, amr_wb, aac, mp3])
@pytest.mark.parametrize("length_s", [0.5, 12.0, 61.0])
def test_a_length_is_known(made: object, length_s: float) -> None:
    data: bytes = made(length_s)  # type: ignore[operator]
    found = sniff(data[:4096])
    assert found is not None
    assert seconds(data, found.content_type) == pytest.approx(length_s, abs=0.1)


@pytest.mark.parametrize("kind", ["audio/wav", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/aac"])
@pytest.mark.parametrize("data", [b"", b"OggS\0\x02", b"RIFF\x10\0\0\0WAVEfmt ", b"\xff\xf1\x50"])
def test_what_is_broken_has_no_length(kind: ContentType, data: bytes) -> None:
    assert seconds(data, kind) is None


def test_a_cut_frame_still_counts_as_one() -> None:
    assert seconds(amr(1.0)[:-5], "audio/amr") == pytest.approx(1.0)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the clips are not part of the project")
@pytest.mark.parametrize("name", REAL)
def test_real_clips(name: str) -> None:
    data = (SHARED / name).read_bytes()
    found = sniff(data[:4096])
    assert found is not None
    assert seconds(data, found.content_type) == pytest.approx(REAL[name], abs=0.05)
