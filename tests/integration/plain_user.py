"""Runs a command as a plain user even where the whole test runs as root."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

NAME = "nobody"


def prefix() -> list[str]:
    """What stands before a command to run it as a plain user; empty when we are one.

    An interpreter below root's own folder stays readable for it (dac_read_search), nothing more.
    """
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(NAME)
    plain = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    again = (
        "import subprocess as s, sys; s.run([sys.executable, '-c', 'import psycopg'], check=True)"
    )
    seen = subprocess.run([*plain, sys.executable, "-c", again], capture_output=True, check=False)
    if seen.returncode == 0:
        return plain
    return [*plain, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def owns(folder: Path) -> None:
    """Gives a folder to that user, and lets it pass the folders above."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(NAME)
        os.chown(folder, user.pw_uid, user.pw_gid)
