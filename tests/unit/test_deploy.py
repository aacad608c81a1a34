"""What stands in deploy/ holds together: compose, image, gateway, dashboard."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import promql_parser
import pytest
import yaml

from contracts.paths import OWNED_PATHS
from deploy import compose, observe
from deploy.gateway import config
from deploy.grafana import dashboard
from runtime.metrics import METRICS
from tests.sourcecode import ROOT
from yizhan.environment import present_services

SERVICES = present_services()
TREE = compose.tree(SERVICES)
LAYER = yaml.safe_load((ROOT / "deploy" / "compose.observe.yml").read_text())
NAMES = {
    metric.name + suffix
    for metric in METRICS
    for suffix in ({"histogram": ("_bucket", "_sum", "_count")}.get(metric.kind, ("",)))
}


def test_every_service_runs_twice_behind_the_one_door() -> None:
    wanted = {f"{service}-{kind}" for service in SERVICES for kind in ("api", "worker")}
    assert wanted <= set(TREE["services"])
    published = [name for name, each in TREE["services"].items() if "ports" in each]
    assert published == ["gateway"]
    assert all(port.startswith("127.0.0.1:") for port in TREE["services"]["gateway"]["ports"])


def test_nobody_starts_before_what_he_needs_is_well() -> None:
    running = TREE["services"]
    for name, each in running.items():
        for needed, how in each.get("depends_on", {}).items():
            job = needed in ("topics", "migrations")
            assert how["condition"] == compose._DONE if job else "service_healthy", name
            assert job or "healthcheck" in running[needed], name


def test_a_process_sees_its_own_secrets_only() -> None:
    declared = set(TREE["secrets"])
    for name, each in TREE["services"].items():
        mounted = set(each.get("secrets", ()))
        assert mounted <= declared
        service, _, kind = name.rpartition("-")
        if kind in ("api", "worker"):
            others = {f"{s}.{what}" for s in SERVICES if s != service for what in ("url", "key")}
            assert not mounted & (others | {"admin.url", "postgres.password"})
            assert ("signing.pem" in mounted) == (name == "intake-api")
        assert not re.search(r"password=|postgresql://", json.dumps(each)), name


def test_every_own_container_is_confined() -> None:
    for each in TREE["services"].values():
        if each["image"] == "yizhan:local":
            assert (
                each["read_only"] and each["cap_drop"] == ["ALL"] and "YIZHAN_UID" in each["user"]
            )


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="no docker-compose here")
@pytest.mark.parametrize("layers", [[], ["-f", "deploy/compose.observe.yml"]])
def test_compose_reads_it(layers: list[str]) -> None:
    env = os.environ | {"YIZHAN_UID": "1", "YIZHAN_GID": "1", "YIZHAN_GRAFANA_PASSWORD": "x"}
    command = ["docker-compose", "-f", "docker-compose.yml", *layers, "config", "-q"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_layer_mounts_what_is_there() -> None:
    for each in LAYER["services"].values():
        for volume in each["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists(), source


def test_prometheus_reads_every_process() -> None:
    targets = {
        target
        for text in observe.documents(SERVICES).values()
        for row in json.loads(text)
        for target in row["targets"]
    }
    processes = {name for name in TREE["services"] if name.rpartition("-")[2] in ("api", "worker")}
    assert {target.split(":")[0] for target in targets} == processes | {"monitor"}


def test_the_image_takes_what_the_product_imports_and_no_more() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (\w+) \1$", text, re.M)
    assert copied == ["contracts", "runtime", "cities", "services", "yizhan"]
    assert "--require-hashes" in text
    assert re.search(r"^USER \d+$", text, re.M) and "latest" not in text
    known = r"FROM|WORKDIR|COPY|RUN|ENV|USER|CMD|#| &&|$"
    assert all(re.match(known, line) for line in text.splitlines())
    allowed = set((ROOT / ".dockerignore").read_text().split())
    assert {f"!{name}" for name in (*copied, "requirements.lock")} <= allowed


def located(path: str, verb: str = "GET") -> str | None:
    """The service that the gateway's configuration gives a request to."""
    text = config.document(tuple(OWNED_PATHS))
    for pattern, target in re.findall(r'location ~ "(.+)" \{\s+set \$service (\S+);', text):
        if re.fullmatch(pattern, path):
            if not target.startswith("$"):
                return str(target)
            found = re.search(rf"\{target} \{{\n(.*?)\n  \}}", text, re.S)
            assert found is not None
            rows = dict(re.findall(r"(\w+) (\w+);", found[1]))
            return rows.get(verb, rows["default"])
    return None


@pytest.mark.parametrize(
    ("path", "verb", "service"),
    [
        ("/v1/reports", "POST", "intake"),
        ("/v1/reports", "GET", "tracking"),
        ("/v1/reports/batch", "POST", "intake"),
        ("/v1/reports/0198", "GET", "tracking"),
        ("/v1/reports/0198/place", "POST", "intake"),
        ("/v1/cases", "GET", "tracking"),
        ("/v1/cases.csv", "GET", "tracking"),
        ("/v1/cases/nearby", "GET", "dispatch"),
        ("/v1/cases/0198/accept", "POST", "dispatch"),
        ("/v1/communities/610113001001/queue", "GET", "dispatch"),
        ("/v1/communities/610113001001/registrations", "GET", "intake"),
        ("/v1/me/points/entries", "GET", "rewards"),
        ("/v1/me/stream", "GET", "notify"),
        ("/open311/v2/services.xml", "GET", "open311"),
    ],
)
def test_the_gateway_finds_the_owner(path: str, verb: str, service: str) -> None:
    assert located(path, verb) == service


@pytest.mark.parametrize("path", ["/internal/v1/revocations", "/metrics", "/v1", "/v1/casesX"])
def test_the_gateway_lets_nothing_else_through(path: str) -> None:
    assert located(path) is None


def test_the_dashboard_shows_metrics_that_exist() -> None:
    for panel in dashboard.PANELS:
        for _, expression in panel.series:
            text = expression.replace("$__rate_interval", "5m")
            promql_parser.parse(text)
            used = set(re.findall(r"\b(?:yizhan|kafka)_[a-z_]+", text))
            assert used and used <= NAMES, expression
