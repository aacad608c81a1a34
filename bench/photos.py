"""(f) A report with a photo of three megabytes, until its copy without metadata is there."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from PIL import Image

from bench.client import Client, request
from bench.cpu import Meter
from bench.figures import Run, figure, medians, percentile, spread_ms
from bench.load import arrivals, open_loop
from bench.people import People
from bench.places import Spot, spots
from bench.results import Aim, Options, Result, Table
from bench.stacks import CITY, say, whole
from bench.tables import cpu_table, pair
from cities.areas import load_areas
from yizhan.demo import camera

RATE = 3
AIM_POST_P50_MS, AIM_COPY_P95_S = 40.0, 3.0
MEGAPIXELS = (4000, 3000)
WARM_S = 5.0
POLL_S = 0.05
JPEG = b"\xff\xd8"
SHOWN_WITHIN_S = 30.0
REPORTERS = 20
BOUNDARY = "a-boundary-that-no-photo-holds"


async def measure(options: Options) -> Result:
    """Raises what breaks a run."""
    photo = picture()
    raw: dict[str, list[Run]] = {"product": []}
    async with whole() as stack:
        client = Client(stack.port)
        tokens = await People(client, stack.data.secrets.signing_key_file).reporters(REPORTERS)
        places = spots(load_areas(CITY), seed=11)
        numbers = itertools.count()
        await _load(client, tokens, places, photo, numbers, WARM_S, -1)
        for number in range(options.runs):
            meter = Meter(stack.pids())
            run = await _load(client, tokens, places, photo, numbers, options.seconds, number)
            run |= {f"cpu_s {name}": spent for name, spent in meter.used().items()}
            raw["product"].append(run)
            say(f"photos {number + 1}: 202 p50 {run['answer_p50_ms']:.1f} ms, {_copy(run)}")
    return _result(options, raw, len(photo))


def picture() -> bytes:
    """Twelve megapixels as a phone takes them; grain makes it as large as a photo of leaves."""
    grain = Image.effect_noise(MEGAPIXELS, 60).convert("RGB")
    sky = Image.linear_gradient("L").resize(MEGAPIXELS).convert("RGB")
    return camera.jpeg(Image.blend(sky, grain, 0.15), taken_at=datetime.now(UTC))


def form(photo: bytes, spot: Spot, number: int) -> bytes:
    """A multipart body; the number stands behind the picture's end, so that no two are equal."""
    parts = [
        f"--{BOUNDARY}\r\ncontent-disposition: form-data; name={name}\r\n\r\n{value}\r\n"
        for name, value in (("lat", spot.lat), ("lon", spot.lon))
    ]
    head = (
        f"--{BOUNDARY}\r\ncontent-disposition: form-data; name=photo; filename=p.jpg\r\n"
        "content-type: image/jpeg\r\n\r\n"
    )
    whole_form = "".join(parts) + head
    return whole_form.encode() + photo + f"{number:010}\r\n--{BOUNDARY}--\r\n".encode()


async def _load(
    client: Client,
    tokens: list[str],
    places: Iterator[Spot],
    photo: bytes,
    numbers: Iterator[int],
    seconds: float,
    seed: int,
) -> Run:
    answer_s: list[float] = []
    copy_s: list[float] = []

    async def send(number: int, due: float) -> None:
        token = tokens[number % REPORTERS]
        body = form(photo, next(places), next(numbers))
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        sent = request("POST", "/v1/reports", token, body, content_type=kind)
        given = json.loads(await client.ask(sent, 202))
        answer_s.append(time.monotonic() - due)
        report = json.loads(await client.ask(request("GET", given["links"]["self"], token), 200))
        path = f"/v1/media/{report['accepted']['media'][0]['id']}?size=small"
        async with asyncio.timeout(SHOWN_WITHIN_S):
            while not (await client.ask(request("GET", path, token), 200, 404)).startswith(JPEG):
                await asyncio.sleep(POLL_S)
        copy_s.append(time.monotonic() - due)

    late = await open_loop(arrivals(RATE, seconds, seed), send)
    return (
        spread_ms("answer", answer_s)
        | spread_ms("copy", copy_s)
        | {
            "copy_p95_ms": percentile(copy_s, 0.95) * 1e3,
            "sent": float(len(answer_s)),
            "late_start_p99_ms": percentile(late, 0.99) * 1e3,
        }
    )


def _copy(run: Run) -> str:
    return f"copy p50 {run['copy_p50_ms'] / 1e3:.2f} s, p95 {run['copy_p95_ms'] / 1e3:.2f} s"


def _result(options: Options, raw: dict[str, list[Run]], photo_bytes: int) -> Result:
    middle = {name: medians(runs) for name, runs in raw.items()}
    found = middle["product"]
    copy_s = found["copy_p95_ms"] / 1e3
    return Result(
        title="(f) Photos",
        how=(
            f"Reports with one photo of {figure(photo_bytes / 1e6)} MB and 12 megapixels come at "
            f"random instants at {RATE}/s; timed from the instant at which each was due until its "
            "202, and until the small copy can be fetched (asked for every 50 ms)."
        ),
        options=options,
        tables=[
            Table(
                title="Latency, ms",
                columns=["photos /s", "202 p50 / p99", "copy p50 / p99", "copy p95"],
                rows=[
                    [
                        str(RATE),
                        pair(found, "answer"),
                        pair(found, "copy"),
                        figure(found["copy_p95_ms"]),
                    ]
                ],
            ),
            cpu_table("CPU", middle, ["product"], options.seconds),
        ],
        aims=[
            Aim(
                what=f"(f) POST with a photo at {RATE}/s, p50",
                aim=f"≤ {AIM_POST_P50_MS:g} ms",
                found=f"{figure(found['answer_p50_ms'])} ms",
                met=found["answer_p50_ms"] <= AIM_POST_P50_MS,
            ),
            Aim(
                what=f"(f) its copy at {RATE}/s, p95",
                aim=f"≤ {AIM_COPY_P95_S:g} s",
                found=f"{figure(copy_s)} s",
                met=copy_s <= AIM_COPY_P95_S,
            ),
        ],
        raw=raw,
    )
