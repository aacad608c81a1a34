"""What crosses the pipe between the service and its decoding child, and how it is framed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import IO, Literal

import msgspec

from contracts.places import Place

Refusal = Literal[
    "not-a-photo",  # no JPEG, PNG, WebP or HEIC by content
    "too-many-pixels",  # the header declares more than the limit
    "too-many-frames",  # an animation, a burst, or scans made to cost time
    "damaged",  # cut off or broken: it does not decode
    "too-costly",  # took more memory or processor time than any honest photo
    "decoder-died",  # killed the decoder twice
]
PhotoType = Literal["image/jpeg", "image/png", "image/webp", "image/heic"]
ServedSize = Literal["large", "small"]

LENGTH_BYTES = 4
MOST_MESSAGE_BYTES = 16 * 2**20
HELLO = b"\x01"
"""What a child says first: its decoders are imported, the next answer will be quick."""
TASKS_PER_CHILD = 200
"""A fresh process now and then forgets every leak of the decoders."""


class CaptureTime(msgspec.Struct, frozen=True):
    """What the camera's clock said; `offset_min` east of UTC, None when the camera gave none."""

    local: datetime
    offset_min: int | None = None

    def aware(self, camera_zone: tzinfo) -> datetime:
        """The instant; a camera that gives no offset is taken to keep `camera_zone`."""
        if self.offset_min is None:
            return self.local.replace(tzinfo=camera_zone)
        offset = timedelta(minutes=self.offset_min)
        return (self.local - offset).replace(tzinfo=UTC)


class Exif(msgspec.Struct, frozen=True, kw_only=True):
    """What the camera wrote: place (WGS-84, source "exif"), time, orientation 1 to 8."""

    place: Place | None = None
    taken: CaptureTime | None = None
    orientation: int | None = None


Wanted = Literal["header", "photo", "sound"]


class PhotoHeader(msgspec.Struct, frozen=True, kw_only=True, tag="header"):
    """A photo by its header alone; pixels as stored, before the orientation is applied."""

    content_type: PhotoType
    width: int
    height: int
    exif: Exif


class PhotoResult(msgspec.Struct, frozen=True, kw_only=True, tag="photo"):
    """A decoded photo: upright sRGB JPEGs without any metadata, and hashes in hex.

    `width` and `height` are those of the upright original, in pixels. `dhash` has 64 bits,
    `fingerprint` 256.
    """

    content_type: PhotoType
    width: int
    height: int
    exif: Exif
    served: dict[ServedSize, bytes]
    dhash: str
    fingerprint: str


class SoundHeader(msgspec.Struct, frozen=True, tag="sound"):
    """How long a voice note is; None when it does not say."""

    seconds: float | None


class PhotoRefused(msgspec.Struct, frozen=True, tag="refused"):
    """The photo is not taken, for a reason that the client can be told."""

    reason: Refusal


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One file for the child: a photo's header only, or all of it, or a voice note's length."""

    path: str
    most_pixels: int
    wanted: Wanted


Reply = PhotoHeader | PhotoResult | SoundHeader | PhotoRefused

_ENCODER = msgspec.msgpack.Encoder()
_TASKS = msgspec.msgpack.Decoder(Task)
_REPLIES: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def frame(message: Task | Reply) -> bytes:
    """Four bytes of length, big-endian, then MessagePack."""
    body = _ENCODER.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def read_task(pipe: IO[bytes]) -> Task | None:
    """The next task, waiting for it; None when the other side has closed."""
    size = pipe.read(LENGTH_BYTES)
    if len(size) < LENGTH_BYTES:
        return None
    return _TASKS.decode(pipe.read(int.from_bytes(size, "big")))


def decode_reply(body: bytes) -> Reply:
    """Raises msgspec.DecodeError when the child sends what it should not."""
    return _REPLIES.decode(body)
