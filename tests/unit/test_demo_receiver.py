"""The demo's receiver of webhooks believes nothing that is not signed, and nobody hears twice."""

from __future__ import annotations

import json
import time
from collections import Counter

import httpx
import pytest

from services.notify.domain.signing import secret_of, signed_headers
from yizhan.demo.hearing import differences, has_to_hear
from yizhan.demo.receiver import VerifyingReceiver

SECRET, OTHER = secret_of(b"a" * 32), secret_of(b"b" * 32)
BODY = json.dumps({"type": "CaseClosed"}).encode()


@pytest.mark.parametrize(
    ("path", "secret", "body", "age_s", "status"),
    [
        ("ends", SECRET, BODY, 0, 204),
        ("ends", OTHER, BODY, 0, 401),
        ("ends", SECRET, BODY + b" ", 0, 401),
        ("ends", SECRET, BODY, 360, 401),
        ("nobody-made-this", SECRET, BODY, 0, 401),
    ],
)
async def test_only_what_is_signed(
    path: str, secret: str, body: bytes, age_s: int, status: int
) -> None:
    receiver = VerifyingReceiver(secrets={"ends": SECRET})
    headers = signed_headers("id-1", int(time.time()) - age_s, BODY, [secret])
    async with receiver.listening(), httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(receiver.url(path), content=body, headers=headers)
    assert answer.status_code == status
    assert [len(receiver.verified), len(receiver.refused)] == [status == 204, status == 401]


def test_who_hears_too_much_or_too_little_is_seen() -> None:
    case = {"community": "1", "reports": [{"reporter_id": "a"}, {"reporter_id": "b"}]}
    expected = has_to_hear("e", "CaseReopened", {"case": case})
    assert expected == {("e", "a"), ("e", "b"), ("e", "community:1")}
    assert has_to_hear("e", "CaseStarted", {"case": case}) == set()
    found = Counter({("e", "a"): 1, ("e", "b"): 2, ("e", "c"): 1})
    wrong = dict(differences(expected, found))
    assert wrong == {("e", "b"): 2, ("e", "c"): 1, ("e", "community:1"): 0}
