"""Is somebody still at work in a PostgreSQL folder? Asked before a server starts there."""

from __future__ import annotations

from pathlib import Path

import psutil

from yizhan.trouble import Trouble


def processes_in(data: Path) -> list[psutil.Process]:
    """PostgreSQL's processes whose working folder this is: postmaster and children."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "postgres" and process.cwd() == str(data):
                found.append(process)
        except psutil.Error:
            continue
    return found


def clear_lock(data: Path) -> None:
    """Removes a lock file whose process id was given to something else after a kill or reboot.

    PostgreSQL asks only whether that id is alive. A lock of a dead process is left to it: with
    that lock it recognises orphans of its own. Raises Trouble when a server works there.
    """
    lock = data / "postmaster.pid"
    try:
        holder = int(lock.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return
    if not psutil.pid_exists(holder):
        return
    if busy := processes_in(data):
        raise Trouble(f"another PostgreSQL (process {busy[0].pid}) works in {data}")
    lock.unlink()
