"""What the layer `deploy/compose.observe.yml` reads: Prometheus' targets among the containers."""

from __future__ import annotations

import json
from collections.abc import Sequence

from deploy.compose import API_PORT, HEALTH_PORT


def documents(services: Sequence[str], doors: Sequence[str]) -> dict[str, str]:
    """deploy/prometheus/targets/<job>.json -> its text."""
    jobs = {
        "edge": {each: f"{each}-api:{API_PORT}" for each in (*services, *doors)},
        "workers": {service: f"{service}-worker:{HEALTH_PORT}" for service in services},
        "monitor": {"monitor": f"monitor:{HEALTH_PORT}"},
    }
    return {
        f"deploy/prometheus/targets/{job}.json": json.dumps(
            [
                {"targets": [address], "labels": {"process": process}}
                for process, address in targets.items()
            ],
            indent=1,
        )
        + "\n"
        for job, targets in jobs.items()
    }
