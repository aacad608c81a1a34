"""The people of the demo: reporters with a phone, and staff with a token; HTTP and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from runtime.tokens import Caller, SigningKey
from yizhan.demo.product import Product

TIMEOUT_S = 30.0
Json = dict[str, Any]


class Unexpected(Exception):
    """An answer that the play does not have; the demo ends with 1."""


class Person:
    """A client with a token."""

    def __init__(self, url: str, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False
        )

    async def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Json:
        """The JSON of an answer with that status. Raises Unexpected for another."""
        try:
            answer = await self.http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise Unexpected(f"{method} {path}: {type(error).__name__}") from error
        if answer.status_code != status:
            raise Unexpected(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        found: Json = answer.json()
        return found

    async def photo(self, data: bytes) -> str:
        """Uploads one; its id."""
        given = await self.ask("POST", "/v1/media", 201, content=data)
        return str(given["id"])

    async def act(self, case_id: str, action: str, **body: Any) -> Json:
        """Does something with a case as it is now; the case afterwards."""
        case = await self.ask("GET", f"/v1/cases/{case_id}")
        body = {"revision": case["revision"]} | body
        return await self.ask(
            "POST",
            f"/v1/cases/{case_id}/{action}",
            json=body,
            headers={"Idempotency-Key": str(uuid4())},
        )


class Reporter(Person):
    """Somebody with a phone; `open` makes an anonymous reporter."""

    @classmethod
    async def open(cls, url: str) -> Reporter:
        """A device that was never seen before."""
        nobody = Person(url)
        given = await nobody.ask("POST", "/v1/sessions", 201, json={"device_id": str(uuid4())})
        await nobody.http.aclose()
        return cls(url, given["access_token"])

    async def report(self, form: Json, photo: bytes | None, key: str) -> Json:
        """One tap: a form with a photo, or JSON without; `{id, code, links}`."""
        headers = {"Idempotency-Key": key}
        if photo is None:
            return await self.ask("POST", "/v1/reports", 202, json=form, headers=headers)
        files = {"photo": ("photo.jpg", photo, "image/jpeg")}
        return await self.ask("POST", "/v1/reports", 202, data=form, files=files, headers=headers)


def staff(product: Product, role: str, community: str = "") -> Person:
    """A handler of a community, or an operator: what `yizhan token` prints."""
    key = SigningKey.read(product.data.secrets.signing_key_file)
    caller = Caller(
        sub=str(uuid4()),
        role=role,
        session_id=str(uuid4()),
        communities=frozenset({community} if community else ()),
    )
    return Person(product.url, key.sign(caller, datetime.now(UTC)))
