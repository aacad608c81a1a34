"""The one folder of an installation: ours by a marker, private by its mode, used by one `up`."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from yizhan.secretfiles import SecretFiles
from yizhan.trouble import Trouble

ROOT = Path(__file__).resolve().parent.parent
MARKER = ".yizhan-data"
VERSION = "1"
MIN_FREE_BYTES = 1 << 30


def default_folder() -> Path:
    """`YIZHAN_DATA`, else `.yizhan` in the project's root."""
    chosen = os.environ.get("YIZHAN_DATA")
    return Path(chosen) if chosen else ROOT / ".yizhan"


class DataFolder:
    """Paths inside, and the checks before somebody writes there. Raises Trouble."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.secrets = SecretFiles(self.path / "secrets")
        self.logs = self.path / "logs"
        self.media = self.path / "media"
        self.kafka = self.path / "kafka"
        self.postgres = self.path / "postgres"
        self.prometheus = self.path / "run" / "prometheus"
        self.state_file = self.path / "run" / "state.json"

    def open(self) -> None:
        """Checks an existing folder; the state of a stopped installation stays readable."""
        if not self.path.is_dir():
            raise Trouble(f"{self.path} is not there: start with `yizhan up`")
        self._check()

    def make(self) -> None:
        """Makes a new folder or checks the one that is there, then its disk."""
        try:
            self._make()
        except OSError as error:
            raise Trouble(f"{self.path} cannot be used: {error.strerror}") from error
        free = shutil.disk_usage(self.path).free
        if free < MIN_FREE_BYTES:
            raise Trouble(
                f"too little disk for {self.path}: {free / 1e9:.1f} GB free, "
                f"{MIN_FREE_BYTES / 1e9:.1f} GB needed"
            )

    def _make(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise Trouble(f"{self.path} is not a folder")
        if not self.path.exists() or not any(self.path.iterdir()):
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self.path / MARKER).write_text(VERSION + "\n")
        self._check()
        if self.path.stat().st_mode & 0o007:
            self.path.chmod(0o700)
        for name in ("logs", "media", "run", "secrets"):
            (self.path / name).mkdir(exist_ok=True, mode=0o700)

    def _check(self) -> None:
        if self.path.stat().st_uid != os.geteuid():
            raise Trouble(f"{self.path} belongs to another user")
        try:
            version = (self.path / MARKER).read_text().strip()
        except FileNotFoundError:
            raise Trouble(
                f"{self.path} is not a data folder of yizhan and not empty: name another --data"
            ) from None
        if version != VERSION:
            raise Trouble(
                f"{self.path} was written by another version of yizhan ({version[:20]!r})"
            )

    def lock(self) -> None:
        """Takes the folder for this process until it ends; children do not inherit it."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Trouble(f"another `yizhan up` runs with {self.path}") from None
