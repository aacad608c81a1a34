"""A reporter's app without its screen: what is added is on the disk, and sends itself when it can.

    python -m examples.courier --url http://127.0.0.1:8000 --box ~/.courier add --text 井盖没了 \\
        --photo near.jpg --photo far.jpg --lat 34.2573 --lon 108.9435
    python -m examples.courier --url http://127.0.0.1:8000 --box ~/.courier send
    python -m examples.courier --url http://127.0.0.1:8000 --box ~/.courier list

`add` needs no network. `send` goes on until the box is empty; it may be killed at any moment and
started again: every request carries the same Idempotency-Key whenever it is repeated, so a report
that was taken but whose answer was lost is not taken twice.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

FIRST_S, MOST_S = 0.5, 60.0
TABLES = """
create table if not exists device (id text not null, secret text, access_token text);
create table if not exists reports (
    key text primary key, body text not null, state text not null default 'waiting', answer text
);
create table if not exists photos (
    report text not null, n integer not null, bytes blob not null, media_id text,
    primary key (report, n)
);
"""


class Refused(Exception):
    """The server will never take it: the problem says why."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail") or problem.get("title"))
        self.problem = problem


class Box:
    """The reports of one device, in one SQLite file. A commit is on the disk when it returns."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "box.sqlite", timeout=30)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(TABLES)
        with self._db:
            self._db.execute(
                "insert into device (id) select ? where not exists (select 1 from device)",
                (str(uuid4()),),
            )

    def add(self, body: dict[str, Any], photos: list[bytes]) -> str:
        """The report's key, once it is on the disk."""
        key = str(uuid4())
        with self._db:
            self._db.execute(
                "insert into reports (key, body) values (?, ?)", (key, json.dumps(body))
            )
            self._db.executemany(
                "insert into photos (report, n, bytes) values (?, ?, ?)",
                [(key, n, photo) for n, photo in enumerate(photos)],
            )
        return key

    def device(self) -> sqlite3.Row:
        """Who this is."""
        row: sqlite3.Row = self._db.execute("select * from device").fetchone()
        return row

    def keep_session(self, given: dict[str, Any]) -> None:
        """Its token, and the secret when one was given."""
        with self._db:
            self._db.execute(
                "update device set secret = coalesce(?, secret), access_token = ?",
                (given.get("device_secret"), given["access_token"]),
            )

    def waiting(self) -> list[sqlite3.Row]:
        """What is not sent, oldest first."""
        return self._db.execute(
            "select * from reports where state = 'waiting' order by rowid"
        ).fetchall()

    def photos(self, key: str) -> list[sqlite3.Row]:
        """Of that report, in order."""
        return self._db.execute(
            "select * from photos where report = ? order by n", (key,)
        ).fetchall()

    def keep_media(self, key: str, n: int, media_id: str) -> None:
        """The server has this photo."""
        with self._db:
            self._db.execute(
                "update photos set media_id = ? where report = ? and n = ?", (media_id, key, n)
            )

    def keep_answer(self, key: str, state: str, answer: dict[str, Any]) -> None:
        """`sent` or `refused`; the photos' bytes are not needed any more once it is sent."""
        with self._db:
            self._db.execute(
                "update reports set state = ?, answer = ? where key = ?",
                (state, json.dumps(answer), key),
            )
            if state == "sent":
                self._db.execute("delete from photos where report = ?", (key,))

    def all(self) -> list[dict[str, Any]]:
        """Everything, for a person to read."""
        rows = self._db.execute("select key, state, answer from reports order by rowid").fetchall()
        return [
            {
                "key": row["key"],
                "state": row["state"],
                "answer": json.loads(row["answer"] or "null"),
            }
            for row in rows
        ]


class Courier:
    """Sends a box's reports to an installation."""

    def __init__(self, box: Box, url: str) -> None:
        self._box = box
        self._http = httpx.Client(base_url=url, timeout=httpx.Timeout(30, connect=5))

    def send(self) -> None:
        """Returns when nothing waits; waits out whatever passes by itself."""
        for report in self._box.waiting():
            try:
                photos = self._box.photos(report["key"])
                media = [self._photo(report["key"], photo) for photo in photos]
                body = json.loads(report["body"]) | ({"media": media} if media else {})
                given = self._ask("POST", "/v1/reports", report["key"], json=body)
            except Refused as refused:
                self._box.keep_answer(report["key"], "refused", refused.problem)
            else:
                self._box.keep_answer(report["key"], "sent", given)

    def _photo(self, key: str, photo: sqlite3.Row) -> str:
        if photo["media_id"] is None:
            own_key = f"{key}-{photo['n']}"
            given = self._ask("POST", "/v1/media", own_key, content=photo["bytes"])
            self._box.keep_media(key, photo["n"], given["id"])
            return str(given["id"])
        return str(photo["media_id"])

    def _ask(self, method: str, path: str, key: str, **sent: Any) -> dict[str, Any]:
        """The answer, however long it takes. Raises Refused."""
        delay_s = FIRST_S
        while True:
            wait_s = delay_s * random.uniform(0.5, 1.0)
            # No network, or no answer: the key makes the repetition safe.
            with suppress(httpx.TransportError):
                answer = self._http.request(method, path, headers=self._headers(key), **sent)
                if answer.is_success:
                    found: dict[str, Any] = answer.json()
                    return found
                if answer.status_code == 401:
                    self._begin_session()
                elif answer.status_code < 500 and answer.status_code not in (408, 429):
                    raise Refused(answer.json())
                with suppress(ValueError):
                    wait_s = float(answer.headers.get("Retry-After", ""))
            time.sleep(wait_s)
            delay_s = min(delay_s * 2, MOST_S)

    def _headers(self, key: str) -> dict[str, str]:
        if self._box.device()["access_token"] is None:
            self._begin_session()
        token = self._box.device()["access_token"]
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": key}

    def _begin_session(self) -> None:
        """By the device's secret when it has one: the same reporter, whatever the tokens became."""
        device = self._box.device()
        body = {"device_id": device["id"]}
        if device["secret"]:
            body["device_secret"] = device["secret"]
        answer = self._http.post("/v1/sessions", json=body)
        if answer.is_success:
            self._box.keep_session(answer.json())


def report_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The JSON of POST /v1/reports, with the time at which it was seen."""
    body: dict[str, Any] = {"observed_at": datetime.now(UTC).isoformat()}
    if arguments.text:
        body["text"] = arguments.text
    if arguments.lat is not None and arguments.lon is not None:
        body["place"] = {"lat": arguments.lat, "lon": arguments.lon, "crs": arguments.crs}
    return body


def main() -> None:
    """Exit 0; 1 when `send` ends with a report that was refused; 2 for wrong use."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--box", type=Path, default=Path.home() / ".yizhan-courier")
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="put a report into the box; needs no network")
    add.add_argument("--text")
    add.add_argument("--photo", type=Path, action="append", default=[])
    add.add_argument("--lat", type=float)
    add.add_argument("--lon", type=float)
    add.add_argument("--crs", choices=("wgs84", "gcj02", "bd09"), default="wgs84")
    commands.add_parser("send", help="send what waits, until nothing does")
    commands.add_parser("list", help="what is in the box, as JSON")
    arguments = parser.parse_args()
    box = Box(arguments.box)
    if arguments.command == "add":
        if not arguments.text and not arguments.photo:
            parser.error("a photo or a sentence is needed")
        try:
            photos = [path.read_bytes() for path in arguments.photo]
        except OSError as error:
            parser.error(str(error))
        print(box.add(report_of(arguments), photos))
    elif arguments.command == "send":
        Courier(box, arguments.url).send()
        sys.exit(any(each["state"] == "refused" for each in box.all()))
    else:
        print(json.dumps(box.all(), ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
