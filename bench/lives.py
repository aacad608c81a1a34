"""(d) Whole lives of reports a second: reported, accepted, begun, resolved with a photo, closed."""

from __future__ import annotations

import asyncio
import io
import json
import random
import time
from collections.abc import Iterator

import asyncpg
from PIL import Image

from bench import settings
from bench.client import Client, request
from bench.cpu import Meter
from bench.figures import Run, figure, medians, percentile, spread_ms
from bench.load import arrivals, open_loop
from bench.people import People, report_body
from bench.places import Spot, largest, spots
from bench.results import Aim, Options, Result, Table
from bench.stacks import CITY, Stack, say, whole
from bench.streams import Seen, queues
from bench.tables import cpu_table, pair
from cities.areas import load_areas
from runtime.lag import LagReader
from services.dispatch.domain.opening import case_id_of
from yizhan.environment import present_services

RATES = (5, 10, 20, 35, 50, 70, 100)
WARM_PER_S, WARM_S = 5, 12.0
AIM = 50
CASE_WITHIN_S = 30.0
EVERY_S = 0.4
"""Not a part of the second in which consumers commit: the saw teeth are met everywhere."""
RAMP_S = 2.0
"""Until lives are in all their stages."""
REPORTERS = 20
REST_S = 90.0
SHARE_VERIFIED = 0.3
"""Closed by the operator; the others by their reporter."""
_UNSENT = "select " + " + ".join(
    f"(select count(*) from {service}.outbox where sent_at is null)"
    for service in present_services()
)


class Lives:
    """Plays lives on a stack: six writes each, every photo with bytes of its own."""

    def __init__(self, stack: Stack, places: Iterator[Spot], seen: Seen, people: People) -> None:
        self.client = Client(stack.port)
        self._places = places
        self._seen = seen
        self._operator = people.staff("operator")
        self._handler = people.staff("handler", *largest(load_areas(CITY)))
        self._rng = random.Random(5)
        self.tokens: list[str] = []

    async def life(self, number: int) -> None:
        """From the report to the closed case. Raises Refused."""
        token = self.tokens[number % len(self.tokens)]
        body = report_body(self._places)
        given = json.loads(await self.client.ask(request("POST", "/v1/reports", token, body), 202))
        case_id = case_id_of(given["id"])
        await self._seen.until(case_id, CASE_WITHIN_S)
        case = json.loads(
            await self.client.ask(request("GET", f"/v1/cases/{case_id}", self._handler), 200)
        )
        case = await self._act(case, "accept", self._handler)
        case = await self._act(case, "start", self._handler)
        case = await self._act(case, "resolve", self._handler, media=[await self._photo()])
        if self._rng.random() < SHARE_VERIFIED:
            case = await self._act(case, "verify", self._operator)
        else:
            case = await self._act(case, "confirm", token)
        if case["state"] != "closed":
            raise RuntimeError(f"a life ended {case['state']}")

    async def _act(
        self, case: dict[str, object], action: str, token: str, **more: object
    ) -> dict[str, object]:
        body = json.dumps({"revision": case["revision"], **more}).encode()
        sent = request("POST", f"/v1/cases/{case['id']}/{action}", token, body)
        found: dict[str, object] = json.loads(await self.client.ask(sent, 200))
        return found

    async def _photo(self) -> str:
        picture = io.BytesIO()
        colour = tuple(self._rng.getrandbits(8) for _ in range(3))
        comment = self._rng.getrandbits(64).to_bytes(8)
        Image.new("RGB", (64, 48), colour).save(picture, "JPEG", comment=comment)
        sent = request(
            "POST", "/v1/media", self._handler, picture.getvalue(), content_type="image/jpeg"
        )
        return str(json.loads(await self.client.ask(sent, 201))["id"])


async def measure(options: Options) -> Result:
    """Up the ladder of rates until one is too much. Raises what breaks a run."""
    raw: dict[str, list[Run]] = {}
    areas = load_areas(CITY)
    async with whole() as stack:
        client = Client(stack.port)
        people = People(client, stack.data.secrets.signing_key_file)
        found = settings.of_processes(stack.pids())
        async with queues(client, people, largest(areas)) as seen:
            lives = Lives(stack, spots(areas, seed=6), seen, people)
            lives.tokens = await people.reporters(REPORTERS)
            await _run(stack, lives, WARM_PER_S, WARM_S, seed=0)
            for rate in RATES:
                for number in range(options.runs):
                    run = await _run(stack, lives, rate, options.seconds, rate + number)
                    raw.setdefault(str(rate), []).append(run)
                    say(f"lives at {rate}/s: {_told(run)}")
                if not _sustained(medians(raw[str(rate)])):
                    break
        found |= await settings.sessions(stack)
    return _result(options, raw, found)


async def _run(stack: Stack, lives: Lives, rate: float, seconds: float, seed: int) -> Run:
    ended_s: list[float] = []
    took_s: list[float] = []
    behind: list[tuple[float, float]] = []
    began = time.monotonic()

    async def life(number: int, due: float) -> None:
        await lives.life(number)
        ended_s.append(time.monotonic() - began)
        took_s.append(time.monotonic() - due)

    reader = LagReader(stack.kafka)
    await reader.start()
    sql = await asyncpg.connect(stack.admin())
    watching = asyncio.create_task(_watch(reader, sql, behind))
    try:
        meter = Meter(stack.pids())
        put_off = lives.client.put_off
        began = time.monotonic()
        late = await open_loop(arrivals(rate, seconds, seed), life)
        used = meter.used()
        over_s = max(0.0, time.monotonic() - began - seconds)
        rest_s = await _until_rest(behind)
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await reader.stop()
        await sql.close()
    during = [lag for at, lag in behind if began + RAMP_S <= at <= began + seconds]
    third = max(1, len(during) // 3)
    return {
        "per_s": sum(each <= seconds for each in ended_s) / seconds,
        "lag_first": sum(during[:third]) / third,
        "lag_last": sum(during[-third:]) / third,
        "over_s": over_s,
        "rest_s": rest_s,
        "put_off": float(lives.client.put_off - put_off),
        "late_start_p99_ms": percentile(late, 0.99) * 1e3,
        **spread_ms("life", took_s),
        **{f"cpu_s {name}": spent for name, spent in used.items()},
    }


async def _watch(
    reader: LagReader, sql: asyncpg.Connection, behind: list[tuple[float, float]]
) -> None:
    """Events that wait for a consumer or for a relay, for ever."""
    while True:
        lag = sum(each.behind for each in await reader.read(present_services()))
        behind.append((time.monotonic(), float(lag + await sql.fetchval(_UNSENT))))
        await asyncio.sleep(EVERY_S)


async def _until_rest(behind: list[tuple[float, float]]) -> float:
    """Seconds until nothing waits any more."""
    began = time.monotonic()
    while behind[-1][1] > 0 or behind[-1][0] < began:
        if time.monotonic() > began + REST_S:
            raise RuntimeError("the stack does not come to rest")
        await asyncio.sleep(0.1)
    return time.monotonic() - began


def _sustained(run: Run) -> bool:
    """Lag at the end like lag at the beginning, and no life a long way behind its time."""
    return run["lag_last"] <= 2 * run["lag_first"] + 50 and run["over_s"] <= 2.0


def _told(run: Run) -> str:
    return (
        f"{run['per_s']:.1f}/s ended, p50 {run['life_p50_ms']:.0f} ms, p99 "
        f"{run['life_p99_ms']:.0f} ms, lag {run['lag_first']:.0f} -> {run['lag_last']:.0f}"
    )


def _result(options: Options, raw: dict[str, list[Run]], found: dict[str, str]) -> Result:
    middle = {rate: medians(runs) for rate, runs in raw.items()}
    held = [int(rate) for rate, run in middle.items() if _sustained(run)]
    most = max(held, default=0)
    rows = [
        [
            rate,
            figure(run["per_s"]),
            pair(run, "life"),
            f"{figure(run['lag_first'])} → {figure(run['lag_last'])}",
            f"{run['put_off']:.0f}",
            f"{figure(run['over_s'])} s",
            f"{figure(run['rest_s'])} s",
            "yes" if _sustained(run) else "**no**",
        ]
        for rate, run in middle.items()
    ]
    return Result(
        title="(d) Whole lives",
        how=(
            "Lives begin at random instants at a fixed mean rate. Each is six writes: report, "
            "accept, start, an after-photo (64 x 48 JPEG, bytes of its own), resolve with it, then "
            "confirm by the reporter (70 %) or verify by the operator; between them the handler "
            "waits for the case on the live queue and reads it. Behind it points are booked and "
            "notices written. Lag is what waits for any consumer or relay, asked all the time; "
            "consumers commit once a second, so it is never near 0 under load."
        ),
        options=options,
        tables=[
            Table(
                title="Up the ladder, until it is too much",
                columns=[
                    "begun /s",
                    "ended /s",
                    "life p50 / p99 ms",
                    "lag, first → last third",
                    "answers 503",
                    "last life after the end",
                    "at rest after",
                    "held",
                ],
                rows=rows,
                note="Held: lag in the last third at most twice the first plus 50, the last life "
                "at most 2 s after the end.",
            ),
            cpu_table("CPU", middle, list(middle), options.seconds),
        ],
        aims=[
            Aim(
                what="(d) whole lives/s without growing lag",
                aim=f"≥ {AIM}",
                found=str(most),
                met=most >= AIM,
            )
        ],
        raw=raw,
        settings=found,
    )
