"""Photos that the tests draw themselves: honest ones, and each kind of hostile one."""

from __future__ import annotations

import io
import struct
import zlib

import pillow_heif
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

pillow_heif.register_heif_opener()

SECRETS = ("34.2312", "SERIAL-4711", "kept-secret", "ns.adobe.com/xap", "Exif\0")
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>kept-secret 34.2312</x:xmpmeta>"
COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30))
TO_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture is stored so that its EXIF orientation turns it upright again."""


def quarters(width: int = 640, height: int = 480) -> Image.Image:
    """Four colours, so that every turn shows."""
    picture = Image.new("RGB", (width, height))
    pen = ImageDraw.Draw(picture)
    for index, colour in enumerate(COLOURS):
        left, top = index % 2 * width // 2, index // 2 * height // 2
        pen.rectangle((left, top, left + width // 2, top + height // 2), fill=colour)
    return picture


def corners(picture: Image.Image) -> tuple[int, ...]:
    """Which of the four colours each quarter shows, row by row."""
    found = []
    for x, y in ((1, 1), (3, 1), (1, 3), (3, 3)):
        pixel = picture.convert("RGB").getpixel((picture.width * x // 4, picture.height * y // 4))
        assert isinstance(pixel, tuple)
        near = [sum(abs(a - b) for a, b in zip(pixel, one, strict=True)) for one in COLOURS]
        found.append(near.index(min(near)))
    return tuple(found)


def exif(orientation: int = 1, *, place: bool = True) -> bytes:
    """Everything that a camera gives away: place, time, serial number, thumbnail, note."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010E] = "kept-secret 34.2312"
    tags.get_ifd(0x8769).update(
        {0x9003: "2026:11:20 09:15:30", 0x9011: "+08:00", 0xA431: "SERIAL-4711"}
    )
    if place:
        tags.get_ifd(0x8825).update(
            {1: "N", 2: (34.0, 13.0, 52.32), 3: "E", 4: (108.0, 53.0, 4.2), 31: 8.0}
        )
    return tags.tobytes()


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def with_everything() -> dict[str, bytes]:
    """One photo of each format, full of metadata."""
    picture = quarters()
    text = PngInfo()
    text.add_text("Comment", "kept-secret SERIAL-4711")
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    profile = _profile()
    jpeg = saved(picture, "JPEG", exif=exif(), xmp=XMP, comment=b"kept-secret", icc_profile=profile)
    return {
        "jpeg": jpeg,
        "png": saved(picture, "PNG", exif=exif(), pnginfo=text, icc_profile=profile),
        "webp": saved(picture, "WEBP", exif=exif(), xmp=XMP, icc_profile=profile),
        "heic": saved(picture, "HEIF", exif=exif(), xmp=XMP),
    }


def _profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *, extra: bytes = b"", depth: int = 8, kind: int = 2) -> bytes:
    """A PNG with any header and a little data."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            extra,
            png_chunk(b"IDAT", zlib.compress(bytes(1000))),
            png_chunk(b"IEND", b""),
        )
    )


def wide_png(width: int, height: int, channels: int) -> bytes:
    """A whole, valid PNG that is tiny as a file and large as pixels."""
    kind = {1: 0, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    packer, row = zlib.compressobj(9), bytes(1 + width * channels)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    chunks = png_chunk(b"IHDR", header), png_chunk(b"IDAT", body), png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def jpeg_declaring(width: int, height: int) -> bytes:
    """An honest JPEG whose header lies about its size."""
    data = bytearray(saved(quarters(64, 64), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def scan_bomb(scans: int, side: int = 4000) -> bytes:
    """A progressive JPEG that repeats its last scan."""
    data = saved(Image.new("RGB", (side, side)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def hostile() -> dict[str, bytes]:
    """File name -> bytes; none of them may be served."""
    animation = [quarters(64, 48).rotate(angle) for angle in range(0, 200, 10)]
    jpeg = saved(quarters(), "JPEG", exif=exif())
    heic = saved(quarters(), "HEIF")
    ispe = heic.index(b"ispe") + 8
    frames = png_chunk(b"acTL", struct.pack(">II", 10_000, 0))
    flood = zlib.compress(bytes(80_000_000), 9)
    return {
        "empty.jpg": b"",
        "words.jpg": b"this is not an image at all",
        "pdf.jpg": b"%PDF-1.7\n1 0 obj<<>>endobj\n",
        "page.jpg": b"<!doctype html><script>alert(1)</script>",
        "archive.jpg": b"PK\x03\x04" + bytes(100),
        "animation.gif": saved(animation[0], "GIF", save_all=True, append_images=animation[1:]),
        "page-behind-magic.jpg": b"\xff\xd8\xff\xe0<html><script>alert(1)</script></html>",
        "page-as-comment.jpg": b"\xff\xd8\xff\xfe\x00\x1c<script>alert(1)</script>\xff\xd9",
        "cut.jpg": jpeg[: len(jpeg) * 6 // 10],
        "header-only.jpg": jpeg[: jpeg.index(b"\xff\xda")],
        "cut.png": saved(quarters(), "PNG")[:-40],
        "cut.webp": saved(quarters(), "WEBP")[:-200],
        "cut.heic": heic[: len(heic) * 6 // 10],
        "huge.png": png(50_000, 50_000),
        "long.png": png(1, 10**9),
        "huge-1bit.png": png(30_000, 30_000, depth=1, kind=0),
        "huge.jpg": jpeg_declaring(65_500, 65_500),
        "lying.png": png(7000, 7000),
        "huge.heic": heic[:ispe] + struct.pack(">II", 60_000, 60_000) + heic[ispe + 8 :],
        "canvas.webp": b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\0" * 2,
        "frames.png": png(64, 64, extra=frames),
        "animation.webp": saved(
            animation[0], "WEBP", save_all=True, append_images=animation[1:], duration=50
        ),
        "scans.jpg": scan_bomb(120),
        "text-flood.png": png(64, 64, extra=png_chunk(b"zTXt", b"Comment\0\0" + flood) * 3),
        "profile-flood.png": png(64, 64, extra=png_chunk(b"iCCP", b"x\0\0" + flood)),
        "no-pixels.png": png(0, 64),
    }
