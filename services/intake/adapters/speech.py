"""What is said in a voice note, by a server that speaks OpenAI's contract for transcriptions.

FunASR, Whisper servers, vLLM and others offer it: `POST …/v1/audio/transcriptions`, a form with
`file`, `model` and `language`, answered by `{"text": …}`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx
import msgspec

from runtime.jobs import GiveUp, Retry
from services.intake.adapters.bounded import TooMuch, body_of

PATH = "/audio/transcriptions"
SUFFIXES = {
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/amr": "amr",
    "audio/amr-wb": "amr",
    "audio/wav": "wav",
}
"""Such servers go by the name of the file."""
OURS_TO_MEND = frozenset({401, 403, 404, 408, 425, 429})
"""A wrong key or path, or a rush: the clip can wait for better days, as it can with 3xx and 5xx."""


class Transcriber(Protocol):
    """Somebody who writes down what is said."""

    async def transcribe(self, clip: Path, content_type: str, language: str) -> str:
        """The words, empty when there are none. Raises Retry (later), GiveUp (never)."""


class _Said(msgspec.Struct):
    text: str


@dataclass(frozen=True)
class SpeechServer:
    """`url` ends before `/audio/transcriptions`, with or without its `/v1`."""

    url: str
    model: str
    timeout_s: float
    key: str = field(default="", repr=False)

    async def transcribe(self, clip: Path, content_type: str, language: str) -> str:
        """One question, at most `timeout_s` and 64 kB of answer, no redirects."""
        data = await asyncio.to_thread(clip.read_bytes)
        form = {"model": self.model, "language": language[:2], "response_format": "json"}
        file = (f"voice.{SUFFIXES.get(content_type, 'bin')}", data, content_type)
        try:
            async with asyncio.timeout(self.timeout_s):
                body = await self._ask(form, file)
        except (httpx.HTTPError, TimeoutError) as error:
            # No cause: it may name the address and what was sent.
            raise Retry(f"the speech server: {type(error).__name__}") from None
        try:
            return msgspec.json.decode(body, type=_Said).text
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Retry("the speech server's answer has not the shape that we know") from None

    async def _ask(self, form: dict[str, str], file: tuple[str, bytes, str]) -> bytes:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        async with (
            httpx.AsyncClient(timeout=self.timeout_s, trust_env=False) as client,
            client.stream(
                "POST", self._address(), data=form, files={"file": file}, headers=headers
            ) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise _failure(answer)
            try:
                return await body_of(answer)
            except TooMuch as error:
                raise GiveUp(f"the speech server answers {error}") from error

    def _address(self) -> str:
        base = self.url.rstrip("/")
        return f"{base}{PATH}" if base.endswith("/v1") else f"{base}/v1{PATH}"


def _failure(answer: httpx.Response) -> Exception:
    status = answer.status_code
    if status < 400 or status >= 500 or status in OURS_TO_MEND:
        wait = answer.headers.get("retry-after", "")
        return Retry(f"the speech server: {status}", float(wait) if wait.isdecimal() else 0.0)
    return GiveUp(f"the speech server refuses the clip: {status}")
