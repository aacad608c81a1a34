"""Standard Webhooks: secrets and signatures (faults.md, section 3)."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from hashlib import sha256

PREFIX = "whsec_"
SECRET_BYTES = 32
"""The specification allows 24 to 64."""


def secret_of(key: bytes) -> str:
    """The secret's text form."""
    if not 24 <= len(key) <= 64:
        raise ValueError("a webhook's key has 24 to 64 bytes")
    return PREFIX + base64.b64encode(key).decode()


def signed_headers(
    webhook_id: str, timestamp_s: int, body: bytes, secrets: Sequence[str]
) -> dict[str, str]:
    """The three headers; one signature per valid secret, the newest first."""
    signed = f"{webhook_id}.{timestamp_s}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(_key(secret), signed, sha256).digest()).decode()
        for secret in secrets
    ]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
