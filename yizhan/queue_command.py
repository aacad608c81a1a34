"""`yizhan queue follow`: a queue in the terminal, as it is and as it changes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import httpx

from yizhan.running import data_option, folder, json_option, last_state
from yizhan.token_command import signed
from yizhan.trouble import Trouble

AGAIN_S = 2.0
SILENCE_S = 45.0
"""Three keepalives that did not come: the connection is dead."""
PAGE = 200
Json = dict[str, Any]


@dataclass
class Place:
    """Where the queue is and who asks; a token of ours is signed anew each time."""

    url: str
    path: str
    role: str
    code: str
    data: Path | None
    token: str | None

    def client(self) -> httpx.Client:
        """With a token that is good for half an hour."""
        own = [self.code]
        staff = (own, []) if self.role == "handler" else ([], own)
        token = self.token or signed(self.data, self.role, *staff)
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(10, read=SILENCE_S),
            trust_env=False,
        )


@click.group()
def queue() -> None:
    """The queue of a community or of a department."""


@queue.command()
@click.option("--community", metavar="CODE", help="Of a community, street or district.")
@click.option("--department", metavar="CODE", help="Of a department.")
@click.option("--url", help="Of an installation elsewhere [the one of the data folder].")
@click.option("--token", envvar="YIZHAN_TOKEN", help="For it [signed with the data folder's key].")
@data_option
@json_option
def follow(
    community: str | None,
    department: str | None,
    url: str | None,
    token: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Print the open cases, then every change, without a miss or a repeat; Ctrl-C ends it.

    With --json one object a line: `event` is "open" for what was there, else the event's type.
    """
    if (community is None) == (department is None):
        raise click.UsageError("either a --community or a --department")
    if url is not None and token is None:
        raise click.UsageError("an installation elsewhere wants a --token")
    kind, role = ("communities", "handler") if community else ("departments", "department")
    code = str(community or department)
    place = Place(
        (url or last_state(folder(data)).url).rstrip("/"),
        f"/v1/{kind}/{code}",
        role,
        code,
        data,
        token,
    )
    try:
        for event, case in _told(place):
            _print(event, case, as_json=as_json)
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `| head` has enough


def _told(place: Place) -> Iterator[tuple[str, Json]]:
    """Open cases first; again when the stream has forgotten where we were."""
    after: int | None = None
    while True:
        try:
            with place.client() as client:
                if after is None:
                    cases, after = _open_cases(client, place)
                    yield from (("open", case) for case in cases)
                for event, number, body in _events(client, place, after):
                    after = None if event == "reset" else number
                    if after is None:
                        break
                    yield event, body["case"]
        except httpx.TransportError as error:
            click.echo(f"{type(error).__name__}: trying again", err=True)
        time.sleep(AGAIN_S)


def _open_cases(client: httpx.Client, place: Place) -> tuple[list[Json], int]:
    """All of them, and the number behind which the stream goes on."""
    cases: list[Json] = []
    begin: int | None = None
    cursor: str | None = None
    while True:
        answer = client.get(f"{place.path}/queue", params={"limit": PAGE, "cursor": cursor or ""})
        page = _good(answer, place).json()
        begin = page["feed_no"] if begin is None else begin
        cases += page["cases"]
        cursor = page["cursor"]
        if cursor is None:
            return cases, begin


def _events(client: httpx.Client, place: Place, after: int) -> Iterator[tuple[str, int, Json]]:
    with client.stream("GET", f"{place.path}/stream", params={"after": after}) as answer:
        if answer.status_code != 200:
            answer.read()
        _good(answer, place)
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            fields[name] = value
            if not line and "data" in fields:
                yield fields["event"], int(fields["id"]), json.loads(fields["data"])
                fields = {}


def _good(answer: httpx.Response, place: Place) -> httpx.Response:
    """Raises Trouble for what no patience mends, and TransportError for what it may."""
    if answer.status_code in (429, 502, 503, 504):
        raise httpx.RemoteProtocolError(f"the server answers {answer.status_code}")
    if answer.status_code == 404:
        raise click.UsageError(f"there is no queue of {place.code}, or not for this token")
    if answer.status_code != 200:
        raise Trouble(f"{place.url} answers {answer.status_code}")
    return answer


def _print(event: str, case: Json, *, as_json: bool) -> None:
    if as_json:
        line = json.dumps({"event": event, "case": case}, ensure_ascii=False)
    else:
        at = datetime.fromisoformat(case["updated_at"]).astimezone()
        due = datetime.fromisoformat(case["clocks"]["resolve_by"]).astimezone()
        danger = "!" if case["dangerous"] else " "
        text = " ".join((case["text"] or "").split())[:40]
        line = (
            f"{at:%m-%d %H:%M:%S}  {event:<18} {danger} {case['code']}  {case['state']:<12}"
            f" {case['category'] or '-':<7} {due:%m-%d %H:%M}  {text}"
        )
    click.echo(line)
    sys.stdout.flush()
