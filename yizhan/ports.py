"""Free ports on the loopback."""

from __future__ import annotations

import random
import socket

LOOPBACK = "127.0.0.1"
RANGE = (20_000, 32_000)
"""Below Linux's ephemeral ports: an outgoing connection cannot take one before we bind it."""


def is_free(port: int) -> bool:
    """True when this port can be bound now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Distinct ports that nobody listens on now."""
    found: set[int] = set()
    while len(found) < count:
        port = random.randrange(*RANGE)
        if port not in found and is_free(port):
            found.add(port)
    return list(found)


def free_port() -> int:
    """A port that nobody listens on now."""
    return free_ports(1)[0]
