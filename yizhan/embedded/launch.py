"""Runs a child that dies with its parent and, where it must, under another user id.

A file of its own, run by `python -I -S`: nothing here may happen between fork and exec of a
process that has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

Identity = Literal["self", "namespace", "setuid"]
"""As ourselves; as 65534 in a user namespace that is still root outside; as the real 65534."""

NOBODY = 65534
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1


def wrapped(
    argv: Sequence[str],
    *,
    death_signal: signal.Signals = signal.SIGKILL,
    identity: Identity = "self",
) -> list[str]:
    """The command line that runs `argv` bound to this process.

    The kernel sends the signal when the *thread* that started the child ends: start long-lived
    children from a thread that lives as long as they shall.
    """
    own = [sys.executable, "-I", "-S", __file__]
    return [*own, str(os.getpid()), str(int(death_signal)), identity, *argv]


def main(args: Sequence[str]) -> None:
    """PARENT SIGNAL IDENTITY COMMAND...: becomes the command."""
    parent, death_signal, identity, argv = int(args[0]), int(args[1]), args[2], list(args[3:])
    if identity == "namespace":
        _enter_namespace()
    elif identity == "setuid":
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(argv[0], argv)  # noqa: S606 - that is its whole purpose


def _enter_namespace() -> None:
    """Root outside, nobody inside: owner of root's files, yet not uid 0 to itself."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        sys.exit(f"unshare: {os.strerror(ctypes.get_errno())}")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


if __name__ == "__main__":
    main(sys.argv[1:])
