"""Our signatures as an independent implementation of Standard Webhooks sees them."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notify.domain.signing import secret_of, signed_headers

SECRET = secret_of(bytes(range(32)))
OTHER = secret_of(bytes(range(1, 33)))
BODY = '{"type":"CaseAssigned","data":{"标题":"井盖"}}'.encode()


def test_a_published_vector() -> None:
    """The example of the specification's own libraries."""
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_another_library_verifies_and_signs_the_same() -> None:
    now = int(time.time())
    headers = signed_headers("id-1", now, BODY, [SECRET])
    assert Webhook(SECRET).verify(BODY, headers)["type"] == "CaseAssigned"
    theirs = Webhook(SECRET).sign("id-1", datetime.fromtimestamp(now, UTC), BODY.decode())
    assert headers["webhook-signature"] == theirs


def test_while_two_secrets_are_valid_either_verifies() -> None:
    headers = signed_headers("id-1", int(time.time()), BODY, [OTHER, SECRET])
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OTHER):
        Webhook(secret).verify(BODY, headers)


@pytest.mark.parametrize("wrong_s", [-301, 301])
def test_an_old_or_early_timestamp_is_refused(wrong_s: int) -> None:
    headers = signed_headers("id-1", int(time.time()) + wrong_s, BODY, [SECRET])
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY, headers)


def test_one_byte_and_another_secret_are_refused() -> None:
    headers = signed_headers("id-1", int(time.time()), BODY, [SECRET])
    for secret, body in ((SECRET, BODY[:-1] + b"]"), (OTHER, BODY)):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)


@pytest.mark.parametrize("size", [23, 65])
def test_a_key_has_24_to_64_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="24 to 64"):
        secret_of(bytes(size))
    assert len(base64.b64decode(SECRET.removeprefix("whsec_"))) == 32
