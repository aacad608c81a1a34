"""Secrets of one installation: made once, kept in files that only their owner reads."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def write_secret(path: Path, text: str) -> None:
    """Writes a file that only its owner may read, whole or not at all."""
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)


class SecretFiles:
    """The folder `secrets` of a data folder. Each secret is random and made at first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def admin_password_file(self) -> Path:
        """PostgreSQL's superuser."""
        return self._folder / "postgres.password"

    @property
    def signing_key_file(self) -> Path:
        """The Ed25519 key (PKCS8 PEM) that signs tokens; made when it is missing."""
        path = self._folder / "signing.pem"
        if not path.exists():
            pem = Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            self._make(path, pem.decode())
        return path

    def database_password(self, role: str) -> str:
        """The password of a service's (or the monitor's) database role."""
        return self._random(f"{role}.database")

    def password(self, name: str) -> str:
        """The password of something else, for instance of PostgreSQL's superuser."""
        return self._random(f"{name}.password")

    def service_key(self, service: str) -> str:
        """What a service shows to another one over HTTP."""
        return self._random(f"{service}.key")

    def service_key_hash(self, service: str) -> str:
        """SHA-256 in hex: what the others know of it."""
        return hashlib.sha256(self.service_key(service).encode()).hexdigest()

    def _random(self, name: str) -> str:
        path = self._folder / name
        if not path.exists():
            self._make(path, secrets.token_urlsafe(32))
        return path.read_text().strip()

    def _make(self, path: Path, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_secret(path, text)
