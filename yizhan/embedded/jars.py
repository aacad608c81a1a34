"""Kafka's jars: fetched once by jgo, each held against a committed SHA-256, kept in a cache."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yizhan.trouble import Trouble

LIST = Path(__file__).with_name("kafka_jars.sha256")
AT_A_TIME = 8
ATTEMPTS = 3
TIMEOUT_S = 30
OLD_S = 3600


@dataclass(frozen=True)
class Jar:
    """A Maven artifact and the digest that its file must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """The name in the cache; the group is in it, for artifacts of two groups may share one."""
        return f"{self.group}.{self.artifact}-{self.version}.jar"


def wanted() -> list[Jar]:
    """The committed list: lines of `SHA256  GROUP:ARTIFACT:VERSION`."""
    found = []
    for line in LIST.read_text().splitlines():
        digest, name = line.split()
        group, artifact, version = name.split(":")
        found.append(Jar(group, artifact, version, digest))
    return found


def cache_dir() -> Path:
    """`YIZHAN_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("YIZHAN_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "yizhan"


def class_path() -> str:
    """The jars' paths for `java -cp`; fetches what is missing. Raises Trouble."""
    folder = cache_dir() / "kafka"
    jars = wanted()
    missing = [jar for jar in jars if not _good(folder / jar.filename, jar)]
    if missing:
        _fetch_all(missing, folder)
    return os.pathsep.join(str(folder / jar.filename) for jar in jars)


def _good(path: Path, jar: Jar) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256
    except OSError:
        return False


def _fetch_all(jars: list[Jar], folder: Path) -> None:
    logging.getLogger("jgo").setLevel(logging.ERROR)
    progress = _Progress(len(jars))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear_old(folder)
        with (
            tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as room,
            ThreadPoolExecutor(AT_A_TIME) as pool,
        ):
            running = [pool.submit(_fetch, jar, Path(room), folder) for jar in jars]
            try:
                for done in as_completed(running):
                    progress.add(done.result())
            except Trouble:
                pool.shutdown(cancel_futures=True)
                raise
    except OSError as error:
        raise Trouble(f"cannot keep Kafka's files in {folder}: {error.strerror}") from error
    finally:
        progress.close()


def _clear_old(folder: Path) -> None:
    """Removes what a fetch that was broken off left; one that still runs is younger."""
    for room in folder.glob("fetch-*"):
        if time.time() - room.stat().st_mtime > OLD_S:
            shutil.rmtree(room, ignore_errors=True)


def _fetch(jar: Jar, room: Path, folder: Path) -> int:
    """Fetches one jar; its size in bytes. A file appears in the cache whole and checked."""
    path = _download(jar, room)
    size = path.stat().st_size
    if not _good(path, jar):
        raise Trouble(
            f"{jar.filename} from the package registry does not have the SHA-256 in {LIST.name}: "
            "not used"
        )
    path.replace(folder / jar.filename)
    return size


def _download(jar: Jar, room: Path) -> Path:
    from jgo.maven import MavenContext

    context: Any = MavenContext(repo_cache=room, timeout=TIMEOUT_S)
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    reason = ""
    for _ in range(ATTEMPTS):
        try:
            return Path(artifact.resolve())
        except Exception as error:  # jgo lets the errors of several HTTP layers through
            reason = type(error).__name__
            with contextlib.suppress(OSError):
                artifact.cached_path.unlink()  # half a file
    raise Trouble(f"cannot fetch {jar.filename} from the package registry ({reason}): try again")


class _Progress:
    """One line on standard error: rewritten on a terminal, now and then elsewhere."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._bytes = total, 0, 0
        self._lock = threading.Lock()
        self._say()

    def add(self, size_bytes: int) -> None:
        """One more file is there."""
        with self._lock:
            self._done += 1
            self._bytes += size_bytes
            if sys.stderr.isatty() or self._done % 15 == 0 or self._done == self._total:
                self._say()

    def _say(self) -> None:
        end = "\r" if sys.stderr.isatty() else "\n"
        text = f"fetching Kafka: {self._done}/{self._total} files, {self._bytes / 1e6:.1f} MB"
        print(text, end=end, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leaves the line."""
        if sys.stderr.isatty():
            print(file=sys.stderr)
