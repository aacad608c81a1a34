"""What a person can type once it runs: a session and a first report, as one piece of shell."""

from __future__ import annotations

import shapely

from cities.areas import Areas

_TEXT = """
  # report a problem (creates an anonymous session first)
  TOKEN=$(curl -sS {url}/v1/sessions -H 'content-type: application/json' \\
    -d '{{"device_id":"my-first-device"}}' | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')
  curl -sS {url}/v1/reports -H "authorization: Bearer $TOKEN" \\
    -H 'content-type: application/json' \\
    -d '{{"text":"垃圾桶满了，垃圾掉了一地","place":{{"lat":{lat:.6f},"lon":{lon:.6f}}}}}'
"""


def text(url: str, areas: Areas) -> str:
    """Shell lines that work as they stand while `url` answers."""
    first = next(iter(areas.communities))
    point = shapely.from_geojson(areas.outline(first)).representative_point()
    return _TEXT.format(url=url, lat=point.y, lon=point.x)
