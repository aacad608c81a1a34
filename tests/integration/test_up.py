"""`yizhan up` as scripts see it: start, state, restarts, stop, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.integration.running import Up, call, wait_for
from yizhan.datafolder import DataFolder
from yizhan.environment import database_url, present_services
from yizhan.ports import free_port


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up") / "data")
    running.start()
    yield running
    running.stop()


def test_standard_output_carries_only_ready(up: Up) -> None:
    assert up.stdout() == f"ready http://127.0.0.1:{up.port}\n"


def test_every_process_is_ready_and_seen_from_outside(up: Up) -> None:
    done = call("status", "--json", "--data", up.data)
    assert done.returncode == 0, done.stdout
    answer = json.loads(done.stdout)
    names = {each["name"] for each in answer["processes"]}
    assert names == {"postgres", "kafka", "edge", "monitor", *present_services()}
    for process in answer["processes"]:
        assert process["state"] == "ready"
        if process["name"] not in ("postgres", "kafka"):
            origin = f"http://127.0.0.1:{process['port']}"
            for path in ("/livez", "/readyz", "/metrics"):
                assert httpx.get(origin + path).status_code == 200


def test_there_is_no_lag_and_no_dead_letter(up: Up) -> None:
    def caught_up() -> bool:
        return call("lag", "--data", up.data).returncode == 0

    wait_for(caught_up, 20)
    done = call("dlq", "list", "--json", "--data", up.data)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"dead_letters": [], "halts": []})


@pytest.mark.skipif(not present_services(), reason="no service is there yet")
async def test_a_poison_event_is_seen_as_lag_and_then_as_a_dead_letter(up: Up) -> None:
    worker = up.process("intake")
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        producer = AIOKafkaProducer(bootstrap_servers=up.state().kafka)
        await producer.start()
        await producer.send_and_wait("submissions", b"not an event")
        await producer.stop()
        done = call("lag", "--json", "--data", up.data)
        assert (done.returncode, json.loads(done.stdout)["lag"] > 0) == (1, True)
    finally:
        os.kill(worker.pid, signal.SIGCONT)

    def listed() -> bool:
        return call("dlq", "list", "--data", up.data).returncode == 1

    wait_for(listed, 30)
    letters = json.loads(call("dlq", "list", "--json", "--data", up.data).stdout)["dead_letters"]
    assert ("intake", "submissions") in {(each["service"], each["topic"]) for each in letters}
    for service in present_services():
        url = database_url(up.state().database, service, DataFolder(up.data))
        with psycopg.connect(url) as connection:
            connection.execute("delete from dead_letters")


@pytest.mark.skipif(not present_services(), reason="no service is there yet")
def test_a_halted_consumer_is_listed_and_resumed(up: Up) -> None:
    url = database_url(up.state().database, "intake", DataFolder(up.data))
    with psycopg.connect(url) as connection:
        connection.execute("insert into halts (topic, reason) values ('nowhere', 'a test')")
    done = call("dlq", "list", "--json", "--data", up.data)
    assert done.returncode == 1
    assert [each["reason"] for each in json.loads(done.stdout)["halts"]] == ["a test"]
    assert call("dlq", "resume", "--service", "nobody", "--data", up.data).returncode == 2
    resumed = call("dlq", "resume", "--service", "intake", "--data", up.data)
    assert resumed.stdout == "resumed: intake on nowhere\n"
    assert call("dlq", "list", "--data", up.data).returncode == 0


def test_a_role_sees_its_own_schema_only(up: Up) -> None:
    folder = DataFolder(up.data)
    place = up.state().database
    services = present_services()
    for service in services:
        with psycopg.connect(database_url(place, service, folder), autocommit=True) as connection:
            connection.execute("create table mine (n int)")
            connection.execute("drop table mine")
            for forbidden in [
                "create schema another",
                "create table public.mine (n int)",
                *(f"select 1 from {other}.outbox" for other in services if other != service),
            ]:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(forbidden.encode())
    with psycopg.connect(database_url(place, "monitor", folder), autocommit=True) as connection:
        for service in services:
            connection.execute(f"select count(*) from {service}.outbox".encode())
            for forbidden in (f"delete from {service}.outbox", f"select 1 from {service}.inbox"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(forbidden.encode())


def test_a_worker_is_told_its_own_secrets_only(up: Up) -> None:
    for process in up.state().processes:
        if process.name in present_services():
            told = Path(f"/proc/{process.pid}/environ").read_bytes().decode().split("\0")
            secret = {
                line.split("=")[0] for line in told if "DATABASE_URL" in line or "KEY" in line
            }
            secret -= os.environ.keys()  # of whoever runs the tests
            own = process.name.upper()
            assert secret == {f"YIZHAN_{own}_DATABASE_URL", f"YIZHAN_{own}_SERVICE_KEY"}


def test_a_token_is_signed_by_the_key_in_the_folder(up: Up) -> None:
    done = call("token", "--role", "handler", "--community", "610113001002", "--data", up.data)
    pem = (up.data / "secrets" / "signing.pem").read_bytes()
    key: Any = load_pem_private_key(pem, password=None)
    claims = jwt.decode(
        done.stdout.strip(), key.public_key(), algorithms=["EdDSA"], audience="yizhan"
    )
    assert (claims["role"], claims["communities"]) == ("handler", ["610113001002"])
    assert claims["exp"] - claims["iat"] <= 30 * 60


def test_a_twin_is_refused_with_one_line(up: Up) -> None:
    done = call("up", "--port", str(free_port()), "--data", up.data)
    assert done.returncode == 1
    assert done.stderr == f"yizhan: another `yizhan up` runs with {up.data}\n"
