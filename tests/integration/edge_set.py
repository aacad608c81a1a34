"""The edge as a process of its own, on a database with every service's schema; no broker."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.integration.running import ROOT, START_S, wait_for
from yizhan.environment import Installation
from yizhan.ports import free_ports


@contextmanager
def edge(installation: Installation, log: Path, city: str = "") -> Iterator[str]:
    """Its origin, once it answers; `city` is another one than the installation's."""
    port, internal_port = free_ports(2)
    told = dataclasses.replace(
        installation,
        port=port,
        internal_port=internal_port,
        city=city or installation.city,
    )
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "yizhan.edge"],
            cwd=ROOT,
            env=os.environ | told.edge(),
            stdout=out,
            stderr=out,
        )

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx.get(f"{told.url}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_for(answers, START_S)
        yield told.url
    finally:
        process.terminate()
        process.wait(15)
