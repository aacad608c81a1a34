"""A Prometheus configuration that reads this installation, beside its state."""

from __future__ import annotations

import json
import shutil

from yizhan.datafolder import ROOT
from yizhan.environment import Installation
from yizhan.ports import LOOPBACK

SOURCE = ROOT / "deploy" / "prometheus"
FILES = ("prometheus.yml", "alerts.yml")


def write_targets(place: Installation) -> None:
    """Copies configuration and rules and writes `targets/*.json` for their file discovery."""
    folder = place.data.prometheus
    (folder / "targets").mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if (SOURCE / name).exists():
            shutil.copyfile(SOURCE / name, folder / name)
    ports = {name: place.health_ports[name] for name in place.services}
    _write(place, "edge", {"edge": place.port})
    _write(place, "workers", ports)
    _write(place, "monitor", {"monitor": place.health_ports["monitor"]})


def _write(place: Installation, job: str, ports: dict[str, int]) -> None:
    rows = [
        {"targets": [f"{LOOPBACK}:{port}"], "labels": {"process": name}}
        for name, port in ports.items()
    ]
    (place.data.prometheus / "targets" / f"{job}.json").write_text(json.dumps(rows))
