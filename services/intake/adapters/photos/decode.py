"""Opens one file under every suspicion, and draws a photo's copies; runs in the child only."""

from __future__ import annotations

import io
import os
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import pillow_heif
from PIL import Image, ImageFile, JpegImagePlugin

from services.intake.adapters.photos import structure
from services.intake.adapters.photos.content_type import sniff
from services.intake.adapters.photos.exif import exif_of
from services.intake.adapters.photos.messages import (
    Exif,
    PhotoHeader,
    PhotoRefused,
    PhotoResult,
    PhotoType,
    Reply,
    SoundHeader,
    Task,
    Wanted,
)
from services.intake.adapters.photos.served import draw
from services.intake.adapters.photos.similarity import FINE, dhash
from services.intake.adapters.photos.sound import seconds

MOST_FILE_BYTES = 64 * 2**20
EXIF_DETAILS, EXIF_GPS = 0x8769, 0x8825
FORMATS: dict[PhotoType, str] = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/heic": "HEIF",
}
SKELETONS: dict[PhotoType, Callable[[bytes], structure.Declared | None]] = {
    "image/jpeg": structure.jpeg,
    "image/png": structure.png,
    "image/webp": structure.webp,
}
# What Pillow and its plug-ins raise on broken files; anything else ends the child, loudly.
BROKEN: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RuntimeError,
    ArithmeticError,
    struct.error,
    Warning,
)


class _Refuse(Exception):
    def __init__(self, refused: PhotoRefused) -> None:
        super().__init__(refused.reason)
        self.refused = refused


def prepare() -> None:
    """Once per child: only our formats, only the first picture, nothing forgiven."""
    warnings.simplefilter("error")
    # Opening a JPEG already peeps into its EXIF, which may be broken.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    # Past the factory that looks for further pictures behind the first (MPO).
    Image.preinit()
    Image.register_open("JPEG", JpegImagePlugin.JpegImageFile, JpegImagePlugin._accept)
    pillow_heif.register_heif_opener(
        thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
    )


def answer(task: Task) -> Reply:
    """The header, the whole photo, a sound's length, or the reason why not."""
    Image.MAX_IMAGE_PIXELS = task.most_pixels
    try:
        return ANSWERS[task.wanted](task)
    except _Refuse as refusal:
        return refusal.refused
    except MemoryError:
        return PhotoRefused("too-costly")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return PhotoRefused("too-many-pixels")
    except BROKEN:
        return PhotoRefused("damaged")


def _header(task: Task) -> PhotoHeader:
    content_type, picture = _open(task)
    with picture:
        width, height = picture.size
        return PhotoHeader(
            content_type=content_type, width=width, height=height, exif=_exif(picture)
        )


def _whole(task: Task) -> PhotoResult:
    content_type, picture = _open(task)
    with picture:
        exif = _exif(picture)
        width, height = picture.size
        # HEIC is turned by its own `irot` while it is read, whatever its EXIF says.
        turn = 1 if content_type == "image/heic" else exif.orientation or 1
        large, served = draw(picture, turn)
    upright = (height, width) if turn >= 5 else (width, height)
    return PhotoResult(
        content_type=content_type,
        width=upright[0],
        height=upright[1],
        exif=exif,
        served=served,
        dhash=dhash(large),
        fingerprint=dhash(large, FINE),
    )


def _sound(task: Task) -> SoundHeader:
    data = _read(task)
    found = sniff(data)
    known = found is not None and found.kind == "voice"
    return SoundHeader(seconds(data, found.content_type) if found and known else None)


def _read(task: Task) -> bytes:
    path = Path(task.path)
    if os.stat(path).st_size > MOST_FILE_BYTES:
        raise _Refuse(PhotoRefused("too-costly"))
    return path.read_bytes()


def _open(task: Task) -> tuple[PhotoType, Image.Image]:
    """The type by content and the picture, of which only the header is read so far."""
    data = _read(task)
    found = sniff(data)
    content_type = found.content_type if found else None
    if content_type not in FORMATS:
        raise _Refuse(PhotoRefused("not-a-photo"))
    skeleton = SKELETONS.get(content_type)
    if skeleton:
        _judge(skeleton(data), content_type, task.most_pixels)
    picture = Image.open(io.BytesIO(data), formats=[FORMATS[content_type]])
    frames = getattr(picture, "n_frames", 1)
    declared = structure.Declared(*picture.size, frames=frames)
    _judge(declared, content_type, task.most_pixels)
    return content_type, picture


def _judge(declared: structure.Declared | None, content_type: PhotoType, most: int) -> None:
    if content_type == "image/webp":
        most = min(most, structure.MOST_WEBP_PIXELS)
    reason = structure.judge(declared, most)
    if reason:
        raise _Refuse(PhotoRefused(reason))


def _exif(picture: Image.Image) -> Exif:
    """Broken EXIF is no EXIF: it never refuses a photo that can be seen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tags = picture.getexif()
            return exif_of(tags, tags.get_ifd(EXIF_DETAILS), tags.get_ifd(EXIF_GPS))
        except BROKEN:
            return Exif()


ANSWERS: dict[Wanted, Callable[[Task], Reply]] = {
    "header": _header,
    "photo": _whole,
    "sound": _sound,
}
