"""People as the product sees them: HTTP with a token, nothing else; each step polls."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import httpx

from tests.integration.running import call
from yizhan.demo import camera, pictures

WITHIN_S = 40.0
HOME = (34.25732, 108.94348, "610103001002")
"""A place well inside a community, and its code (latitude, longitude, WGS-84)."""
AWAY = (34.48, 110.08)
Json = dict[str, Any]


def eventually(look: Callable[[], Any], what: str) -> Any:
    """What `look` finds once it finds something; fails at the deadline."""
    deadline = time.monotonic() + WITHIN_S
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {WITHIN_S:.0f} s: {what}"
        time.sleep(0.05)
    return found


def photo(at: tuple[float, float] | None, seed: int) -> bytes:
    """A picture with the place and a time four minutes ago as EXIF."""
    taken_at = datetime.now(UTC).astimezone(timezone(timedelta(hours=8))) - timedelta(minutes=4)
    picture = pictures.draw(pictures.broken_lamp, seed=seed)
    return camera.jpeg(picture, taken_at=taken_at, place=at)


class Client:
    """Somebody with a token; answers must have the status that is expected."""

    def __init__(self, url: str, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.token = token
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)

    def __del__(self) -> None:
        self.http.close()

    def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Json:
        """The JSON of the answer."""
        answer = self.http.request(method, path, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.text}"
        found: Json = answer.json()
        return found

    def act(self, case_id: str, action: str, **body: Any) -> Json:
        """One action on a case as it is now."""
        case = self.ask("GET", f"/v1/cases/{case_id}")
        body = {"revision": case["revision"]} | body
        return self.ask("POST", f"/v1/cases/{case_id}/{action}", json=body)

    def queue(self, community: str) -> list[Json]:
        """The first page."""
        cases: list[Json] = self.ask("GET", f"/v1/communities/{community}/queue")["cases"]
        return cases

    def waiting(self, community: str, report_id: str) -> Json:
        """The case with this report, once it stands in the queue."""

        def look() -> Json | None:
            for case in self.queue(community):
                if report_id in {each["report_id"] for each in case["reports"]}:
                    return case
            return None

        found: Json = eventually(look, f"report {report_id} in the queue of {community}")
        return found


class Reporter(Client):
    """A device that was never seen before."""

    def __init__(self, url: str, device_id: str | None = None) -> None:
        given = Client(url).ask(
            "POST", "/v1/sessions", 201, json={"device_id": device_id or str(uuid4())}
        )
        super().__init__(url, given["access_token"])
        self.given = given

    def send(self, *, key: str | None = None, picture: bytes | None = None, **form: Any) -> Json:
        """A report: a form with a picture, else JSON."""
        headers = {"Idempotency-Key": key} if key else {}
        if picture is None:
            return self.ask("POST", "/v1/reports", 202, json=form, headers=headers)
        files = {"photo": ("p.jpg", picture, "image/jpeg")}
        return self.ask("POST", "/v1/reports", 202, data=form, files=files, headers=headers)

    def report(self, report_id: str) -> Json:
        """As tracking shows it."""
        return self.ask("GET", f"/v1/reports/{report_id}")

    def report_when(self, report_id: str, ready: Callable[[Json], Any]) -> Json:
        """As tracking shows it, once it looks like that."""

        def look() -> Json | None:
            found = self.report(report_id)
            return found if ready(found) else None

        found: Json = eventually(look, f"report {report_id}: {self.report(report_id)}")
        return found


def staff(url: str, data: Any, role: str, *options: str) -> Client:
    """By `yizhan token`."""
    done = call("token", "--role", role, *options, "--data", data)
    assert done.returncode == 0, done.stderr
    return Client(url, done.stdout.strip())


class LiveQueue:
    """The stream of a community's queue, read in a thread; `with` closes it."""

    def __init__(
        self, handler: Client, community: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self._handler, self._community, self._headers = handler, community, headers or {}
        self.events: list[Json] = []
        self._response: httpx.Response | None = None
        self._opened = threading.Event()

    def __enter__(self) -> LiveQueue:
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        assert self._opened.wait(WITHIN_S), "the stream did not open"
        return self

    def _read(self) -> None:
        path = f"/v1/communities/{self._community}/stream?after=0"
        headers = dict(self._headers)
        try:
            with self._handler.http.stream("GET", path, headers=headers, timeout=None) as answer:
                self._response = answer
                number = ""
                for line in answer.iter_lines():
                    self._opened.set()
                    name, _, value = line.partition(": ")
                    number = value if name == "id" else number
                    if name == "data":
                        self.events.append({"id": int(number)} | json.loads(value))
        except httpx.HTTPError:
            return  # closed from the other thread, or by the server

    def until(self, type_: str, case_id: str) -> Json:
        """The event, once it is shown."""

        def look() -> Json | None:
            hits = [e for e in self.events if e.get("type") == type_ and e["case"]["id"] == case_id]
            return hits[0] if hits else None

        found: Json = eventually(look, f"{type_} on the stream")
        return found

    def __exit__(self, *_: object) -> None:
        if self._response is not None:
            self._response.close()
