"""Ports that are given away once, across processes, and that a server can listen on."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys

import pytest

from yizhan import ports

FEW = (19_000, 19_012)
GIVE = f"from yizhan import ports; ports.RANGE = {FEW}; print(*ports.free_ports(5)); input()"


def test_no_port_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "RANGE", FEW)
    here = ports.free_ports(5)
    there = subprocess.Popen(
        [sys.executable, "-c", GIVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert there.stdout is not None
    given = [int(port) for port in there.stdout.readline().split()]
    there.communicate("\n", timeout=10)
    assert len({*here, *given}) == 10


def test_a_server_listens_on_a_port_that_is_held() -> None:
    port = ports.free_port()
    assert ports.is_free(port)
    with socket.create_server((ports.LOOPBACK, port)) as server:
        assert not ports.is_free(port)
        with socket.create_connection((ports.LOOPBACK, port), timeout=5):
            server.accept()[0].close()
    with socket.socket() as plain, pytest.raises(OSError) as refused:
        plain.bind((ports.LOOPBACK, port))
    assert refused.value.errno == errno.EADDRINUSE
