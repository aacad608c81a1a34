"""Draws what others may see of a photo: upright, sRGB, two sizes, not a byte of metadata."""

from __future__ import annotations

import io

from PIL import Image, ImageCms

from services.intake.adapters.photos.messages import ServedSize

LARGE_SIDE_PX = 1600
SMALL_SIDE_PX = 400
QUALITY: dict[ServedSize, int] = {"large": 82, "small": 75}
MOST_PROFILE_BYTES = 2**20
BAND_ROWS = 64
WHITE = (255, 255, 255)

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def draw(picture: Image.Image, turn: int) -> tuple[Image.Image, dict[ServedSize, bytes]]:
    """The large copy as pixels and both as JPEG; `turn` is an EXIF orientation, 1 to 8."""
    profile = picture.info.get("icc_profile")
    # JPEG can be decoded at 1/2, 1/4 or 1/8: a photo of 12 megapixels then costs a quarter.
    picture.draft("RGB", (LARGE_SIDE_PX, LARGE_SIDE_PX))
    picture.load()
    large = _within(_shrunk(picture), LARGE_SIDE_PX)
    if turn in TURNS:
        large = large.transpose(TURNS[turn])
    large = _in_srgb(large, profile)
    small = _within(large, SMALL_SIDE_PX)
    return large, {"large": _jpeg(large, "large"), "small": _jpeg(small, "small")}


def _shrunk(picture: Image.Image) -> Image.Image:
    """Plain RGB of at most twice the large side, made band by band: one big copy is enough."""
    factor = max(picture.size) // (2 * LARGE_SIDE_PX)
    if factor < 2:
        return _flat(picture)
    width, height = picture.size
    shrunk = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    for top in range(0, height, BAND_ROWS * factor):
        bottom = min(top + BAND_ROWS * factor, height)
        band = _flat(picture.crop((0, top, width, bottom)))
        shrunk.paste(band.reduce(factor), (0, top // factor))
    return shrunk


def _flat(picture: Image.Image) -> Image.Image:
    """RGB on white: JPEG knows no transparency, and what it hid stays hidden."""
    if picture.mode.startswith("I;16"):
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        flat = Image.new("RGB", picture.size, WHITE)
        flat.paste(picture, mask=picture.getchannel("A"))
        return flat
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _within(picture: Image.Image, side_px: int) -> Image.Image:
    scale = side_px / max(picture.size)
    if scale >= 1:
        return picture.copy()
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    # As sharp as bicubic when it shrinks, in half of the time (a third of Lanczos).
    return picture.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)


def _in_srgb(picture: Image.Image, profile: object) -> Image.Image:
    """Colours as a viewer without colour management shows them right; a bad profile is ignored."""
    if not isinstance(profile, bytes) or not 0 < len(profile) <= MOST_PROFILE_BYTES:
        return picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        turned = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return picture
    return turned or picture


def _jpeg(picture: Image.Image, size: ServedSize) -> bytes:
    # A fresh picture: nothing of `info` (comment, profile, EXIF, XMP) can travel along.
    bare = Image.new("RGB", picture.size)
    bare.paste(picture)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=QUALITY[size], subsampling="4:2:0")
    return out.getvalue()
