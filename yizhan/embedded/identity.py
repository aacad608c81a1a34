"""Under which user id PostgreSQL, which refuses root, can run in this folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from yizhan.embedded.launch import NOBODY, Identity, wrapped
from yizhan.trouble import Trouble


def choose(binary: Path, data: Path) -> Identity:
    """As ourselves; for root a user namespace, else uid 65534 where it reaches both folders.

    Raises Trouble when root can do neither.
    """
    if os.geteuid() != 0:
        return "self"
    if can_run(binary, data, "namespace"):
        return "namespace"
    open_to_nobody(data)
    if can_run(binary, data, "setuid"):
        return "setuid"
    raise Trouble(
        "PostgreSQL does not run as root, user namespaces are off, and uid 65534 cannot reach "
        f"{binary.parent} and {data}: start yizhan as a plain user"
    )


def open_to_nobody(data: Path) -> None:
    """Gives `data` to uid 65534 and lets its group, and nobody else, pass the folder above."""
    os.chown(data.parent, 0, NOBODY)
    data.parent.chmod(0o710)
    for folder, _, files in os.walk(data):
        os.chown(folder, NOBODY, NOBODY)
        for name in files:
            os.chown(Path(folder) / name, NOBODY, NOBODY, follow_symlinks=False)


def can_run(binary: Path, data: Path, identity: Identity) -> bool:
    """Whether that identity can run the binary and write in the folder."""
    probe = ["/bin/sh", "-c", '"$0" --version && test -w "$1"', str(binary), str(data)]
    done = subprocess.run(wrapped(probe, identity=identity), capture_output=True, check=False)
    return done.returncode == 0
