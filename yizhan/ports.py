"""Free ports on the loopback."""

from __future__ import annotations

import random
import socket

LOOPBACK = "127.0.0.1"
RANGE = (20_000, 32_000)
"""Below Linux's ephemeral ports: an outgoing connection cannot take one before we bind it."""


def is_free(port: int) -> bool:
    """True when a server can listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody listens on, held for a server to come until this process ends.

    A server that sets SO_REUSEADDR, as servers do, can listen on it; a probe that does not set it,
    as the next call of this function, finds it taken.
    """
    while True:
        holder = socket.socket()
        try:
            holder.bind((LOOPBACK, random.randrange(*RANGE)))
        except OSError:
            holder.close()
            continue
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port: int = holder.getsockname()[1]
        holder.detach()  # bound but never listening, until this process ends
        return port


def free_ports(count: int) -> list[int]:
    """Distinct ports, each as `free_port` gives it."""
    return [free_port() for _ in range(count)]
