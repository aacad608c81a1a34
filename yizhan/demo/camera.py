"""A phone's camera: a drawn picture as a JPEG that carries place and time as EXIF."""

from __future__ import annotations

import io
from datetime import datetime

from PIL import Image

EXIF_IFD, GPS_IFD = 0x8769, 0x8825
MAKE, MODEL, ORIENTATION = 0x010F, 0x0110, 0x0112
TAKEN_AT, TAKEN_OFFSET = 0x9003, 0x9011
LAT_REF, LAT, LON_REF, LON, ERROR_M = 1, 2, 3, 4, 31


def jpeg(
    picture: Image.Image, *, taken_at: datetime, place: tuple[float, float] | None = None
) -> bytes:
    """`place`: WGS-84 (lat, lon), or None for a phone that keeps it to itself."""
    tags = Image.Exif()
    tags[MAKE], tags[MODEL], tags[ORIENTATION] = "Yizhan", "demo", 1
    offset = taken_at.strftime("%z")
    tags.get_ifd(EXIF_IFD).update(
        {
            TAKEN_AT: taken_at.strftime("%Y:%m:%d %H:%M:%S"),
            TAKEN_OFFSET: f"{offset[:3]}:{offset[3:]}",
        }
    )
    if place is not None:
        lat, lon = place
        tags.get_ifd(GPS_IFD).update(
            {
                LAT_REF: "N" if lat >= 0 else "S",
                LAT: _degrees(abs(lat)),
                LON_REF: "E" if lon >= 0 else "W",
                LON: _degrees(abs(lon)),
                ERROR_M: 6.0,
            }
        )
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85, exif=tags.tobytes())
    return out.getvalue()


def _degrees(value: float) -> tuple[float, float, float]:
    degrees, rest = divmod(value, 1)
    minutes, rest = divmod(rest * 60, 1)
    return degrees, minutes, round(rest * 60, 4)
