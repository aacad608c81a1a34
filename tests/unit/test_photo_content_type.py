"""What a file is, by its bytes."""

from __future__ import annotations

import pytest

from services.intake.adapters.photos.content_type import sniff


def box(major: bytes, *compatible: bytes) -> bytes:
    body = b"ftyp" + major + b"\0\0\0\0" + b"".join(compatible)
    return (len(body) + 4).to_bytes(4, "big") + body


TAKEN = {
    "image/jpeg": [b"\xff\xd8\xff\xe0\0\x10JFIF", b"\xff\xd8\xff\xdb"],
    "image/png": [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
    "image/webp": [b"RIFF\x10\0\0\0WEBPVP8X"],
    "image/heic": [box(b"heic", b"mif1"), box(b"mif1", b"mif1", b"heic", b"miaf")],
    "audio/mp4": [box(b"M4A ", b"isom"), box(b"mp42", b"isom"), box(b"3gp4")],
    "audio/aac": [b"\xff\xf1\x50\x80"],
    "audio/mpeg": [b"\xff\xfb\x90\x00", b"\xff\xf3\x40\xc0", b"ID3\x03\0\0\0\0\0\0\0"],
    "audio/ogg": [b"OggS\0\x02"],
    "audio/amr": [b"#!AMR\n\x3c"],
    "audio/amr-wb": [b"#!AMR-WB\n\x04"],
    "audio/wav": [b"RIFF\x10\0\0\0WAVEfmt "],
}
REFUSED = {
    "empty": b"",
    "pdf": b"%PDF-1.7\n",
    "html": b"<!doctype html><script>",
    "html before a JPEG": b"<html>\xff\xd8\xff\xe0",
    "zip": b"PK\x03\x04",
    "gif": b"GIF89a",
    "tiff": b"II*\0",
    "bmp": b"BM",
    "svg": b"<svg xmlns=",
    "avif": box(b"avif", b"mif1"),
    "avif by a compatible brand": box(b"mif1", b"avif", b"heic"),
    "film with its index in front": box(b"mp42", b"isom") + b"moov" + b"vmhd",
    "quicktime": box(b"qt  "),
    "utf-16 text": b"\xff\xfeh\0i\0",
    "half a JPEG marker": b"\xff\xd8",
    "png without a header": b"\x89PNG\r\n\x1a\n\0\0\0\rIDAT",
}


@pytest.mark.parametrize("content_type", TAKEN)
def test_is_taken(content_type: str) -> None:
    for head in TAKEN[content_type]:
        found = sniff(head)
        assert found is not None, head
        assert found.content_type == content_type
        assert found.kind == ("photo" if content_type.startswith("image/") else "voice")


@pytest.mark.parametrize("name", REFUSED)
def test_is_not_taken(name: str) -> None:
    assert sniff(REFUSED[name]) is None
