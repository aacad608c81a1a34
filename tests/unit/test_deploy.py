"""What stands in deploy/ holds together: compose, image, gateway, dashboard."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from contracts.paths import OWNED_PATHS
from deploy import compose, observe, servers
from deploy.gateway import config
from deploy.grafana import dashboard
from runtime.worker import WorkerPlan
from tests.promql import SCRAPED, SERIES, labels_used, selectors
from tests.sourcecode import ROOT
from yizhan.embedded import postgres
from yizhan.environment import present_doors, present_services

SERVICES = present_services()
DOORS = present_doors()
RESERVED = 20
"""The monitor, superusers, and whoever looks in."""
TREE = compose.tree(SERVICES, DOORS)
LAYER = yaml.safe_load((ROOT / "deploy" / "compose.observe.yml").read_text())


def test_every_service_runs_twice_behind_the_one_door() -> None:
    wanted = {f"{service}-{kind}" for service in SERVICES for kind in ("api", "worker")}
    wanted |= {f"{door}-api" for door in DOORS}
    assert wanted <= set(TREE["services"])
    assert not {f"{door}-worker" for door in DOORS} & set(TREE["services"])
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
            others = {
                f"{s}.{what}"
                for s in (*SERVICES, *DOORS)
                if s != service
                for what in ("url", "key")
            }
            assert not mounted & (others | {"admin.url", "postgres.password"})
            assert ("signing.pem" in mounted) == (name == "intake-api")
        assert not re.search(r"password=|postgresql://", json.dumps(each)), name


def test_the_database_is_as_wide_as_in_local_mode() -> None:
    told = dict(each.split("=") for each in servers.SETTINGS)
    assert told == {name: postgres._SETTINGS[name] for name in told}
    pools = sum(settings(service) for service in SERVICES) + len(SERVICES) * WorkerPlan.pool_size
    beside = 2 * 2 * len(SERVICES)
    assert pools + beside + RESERVED < int(told["max_connections"])


def settings(service: str) -> int:
    """The pool of a service's API."""
    own = importlib.import_module(f"services.{service}.settings").Own
    return int(own.pool_size)


def test_every_own_container_is_confined() -> None:
    for each in TREE["services"].values():
        if each["image"] == "yizhan:local":
            assert (
                each["read_only"] and each["cap_drop"] == ["ALL"] and "YIZHAN_UID" in each["user"]
            )


def composers() -> list[list[str]]:
    """The commands of this machine that read a compose file."""
    found = [["docker-compose"]] if shutil.which("docker-compose") else []
    if shutil.which("docker"):
        plugin = ["docker", "compose"]
        known = subprocess.run([*plugin, "version"], capture_output=True, check=False)
        found += [plugin] if known.returncode == 0 else []
    return found


@pytest.mark.skipif(not composers(), reason="no Docker Compose here")
@pytest.mark.parametrize("layers", [[], ["-f", "deploy/compose.observe.yml"]])
def test_compose_reads_it(layers: list[str]) -> None:
    env = os.environ | {"YIZHAN_UID": "1", "YIZHAN_GID": "1", "YIZHAN_GRAFANA_PASSWORD": "x"}
    for composer in composers():
        command = [*composer, "-f", "docker-compose.yml", *layers, "config", "-q"]
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_the_linter_of_dockerfiles_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--no-color", "deploy/Dockerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    careless = subprocess.run(
        [hadolint, "-"],
        input="FROM debian\nRUN cd /tmp\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert careless.returncode == 1 and "DL3006" in careless.stdout, "it would say something"


def test_the_layer_mounts_what_is_there() -> None:
    for each in LAYER["services"].values():
        for volume in each["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists(), source


def test_prometheus_reads_every_process() -> None:
    targets = {
        target
        for text in observe.documents(SERVICES, DOORS).values()
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


@pytest.mark.parametrize("panel", dashboard.PANELS, ids=lambda panel: panel.title)
def test_the_dashboard_shows_metrics_that_exist(panel: dashboard.Panel) -> None:
    for legend, expression in panel.series:
        text = expression.replace("$__rate_interval", "5m")
        names = {str(selector.name) for selector in selectors(text)}
        assert names and names <= set(SERIES), expression
        labels = set().union(*(SERIES[name] for name in names)) | SCRAPED
        assert labels_used(text) <= labels, expression
        assert set(re.findall(r"{{(\w+)}}", legend)) <= labels, legend
