"""Asking another party who somebody is: bounded in time and size, nothing of it in a log."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from services.intake.adapters.bounded import TooMuch, body_of

TIMEOUT_S = 3.0


class IssuerAway(Exception):
    """The other party does not answer, or not as it should; the text is safe for a log."""


class IssuerRefuses(Exception):
    """It does not know this person, or knows that they may not."""


class IssuerBusy(Exception):
    """Too many questions about this person: wait a minute."""


async def fetch(url: str, query: Mapping[str, str] | None = None) -> bytes:
    """The body of a 200, at most 64 kB within 3 s, no redirects. Raises IssuerAway."""
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client,
            client.stream("GET", url, params=query) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise IssuerAway(f"status {answer.status_code}")
            return await body_of(answer)
    except TooMuch as error:
        raise IssuerAway(str(error)) from None
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        # No cause: an exception of httpx knows the URL, and the URL has a secret in it.
        raise IssuerAway(type(error).__name__) from None
