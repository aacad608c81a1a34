"""A client of the Open311 door for tests: strict about formats, and keys from the command line."""

from __future__ import annotations

import json
from typing import Any, Self
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import httpx

from tests.integration.running import Up, call

PREFIX = "/open311/v2"
TYPES = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
REQUEST = [
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
    "agency_responsible", "service_notice", "requested_datetime", "updated_datetime",
    "expected_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url",
]  # fmt: skip
"""Every member of a request, in order."""
BIN = {"service_code": "06042", "attribute[FILL]": "over"}


def new_key(up: Up, name: str) -> str:
    """A key of a system with that name."""
    done = call("open311", "key", "add", name, "--json", "--data", up.data)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["key"])


class Door:
    """One origin, seen with one key (or none)."""

    def __init__(self, origin: str, key: str = "") -> None:
        self.url = f"{origin}{PREFIX}"
        self.key = key
        self.http = httpx.Client(timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **params: Any) -> httpx.Response:
        """As it comes."""
        return self.http.get(f"{self.url}/{path}", params=params or None)

    def json(self, path: str, **params: Any) -> Any:
        """The body of `path`.json, which is there."""
        return json.loads(checked(self.get(f"{path}.json", **params), "json", 200))

    def xml(self, path: str, **params: Any) -> Element:
        """The root of `path`.xml, which is there."""
        return root(checked(self.get(f"{path}.xml", **params), "xml", 200))

    def post(self, path: str, form: dict[str, Any], **more: Any) -> httpx.Response:
        """With the key in the form."""
        data = ({"api_key": self.key} if self.key else {}) | form
        return self.http.post(f"{self.url}/{path}", data=data, **more)

    def report(self, form: dict[str, Any], **more: Any) -> str:
        """The id of a request that is taken."""
        answer = self.post("requests.json", form, **more)
        (only,) = json.loads(checked(answer, "json", 200))
        assert list(only) == ["service_request_id", "service_notice", "account_id"]
        return str(only["service_request_id"])

    def request(self, report_id: str, **params: Any) -> dict[str, Any]:
        """One request."""
        (only,) = self.json(f"requests/{report_id}", **params)
        assert isinstance(only, dict)
        return only


def checked(answer: httpx.Response, form: str, status: int) -> bytes:
    """The body of an answer with that status in that format."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == TYPES[form]
    return answer.content


def root(body: bytes) -> Element:
    """XML with its declaration and without a namespace."""
    assert body.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    found = ElementTree.fromstring(body)
    assert all("}" not in each.tag for each in found.iter())
    return found


def errors(answer: httpx.Response, form: str, status: int) -> list[str]:
    """Descriptions of Open311's errors, each with the code of the answer."""
    body = checked(answer, form, status)
    if form == "json":
        found = [(each["code"], each["description"]) for each in json.loads(body)]
    else:
        assert root(body).tag == "errors"
        members = [(each.findtext("code"), each.findtext("description")) for each in root(body)]
        found = [(int(code or 0), text or "") for code, text in members]
    assert found and all(code == status and text for code, text in found)
    return [text for _, text in found]
