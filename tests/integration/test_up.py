"""`yizhan up` as scripts see it: start, state, restarts, stop, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.integration import plain_user
from tests.integration.running import ROOT, Up, call, wait_for
from yizhan import state
from yizhan.datafolder import DataFolder
from yizhan.embedded import jars
from yizhan.embedded.kafka import Kafka
from yizhan.embedded.postgres import Postgres
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


@pytest.mark.parametrize("name", ["monitor", "edge", "kafka", "postgres"])
def test_a_killed_process_comes_back(up: Up, name: str) -> None:
    before = up.process(name)
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)

    def back() -> bool:
        now = up.process(name)
        return now.state == "ready" and now.pid != before.pid

    wait_for(back, 40)
    assert up.process(name).restarts == before.restarts + 1


def test_kill_9_of_the_supervisor_leaves_nothing_and_the_next_up_starts(up: Up) -> None:
    old = up.state()
    os.kill(old.supervisor_pid, signal.SIGKILL)
    up.start()
    assert not any(state.runs(process) for process in old.processes)
    assert up.state().supervisor_pid != old.supervisor_pid
    assert up.process("postgres").restarts == 0


def test_a_leftover_is_stopped_by_the_next_up(up: Up) -> None:
    """One that outlived its supervisor against all odds; and only if id and start time match."""
    up.stop()
    mine = subprocess.Popen(["sleep", "600"], start_new_session=True)
    other = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        last = up.state()
        ticks = state.start_ticks(mine.pid)
        last.processes = [
            state.ProcessState(name="edge", pid=mine.pid, started_ticks=ticks),
            state.ProcessState(name="monitor", pid=other.pid, started_ticks=1),
        ]
        state.write(up.data / "run" / "state.json", last)
        up.start()
        assert mine.wait(1) == -signal.SIGTERM
        assert other.poll() is None
    finally:
        mine.kill()
        other.kill()
        mine.wait()
        other.wait()


def test_everything_is_gone_within_ten_seconds_of_ctrl_c(up: Up) -> None:
    last = up.state()
    began = time.monotonic()
    up.stop(signal.SIGINT)
    assert time.monotonic() - began < 10
    assert up.returncode == 0
    assert not any(state.runs(process) for process in last.processes)
    done = call("status", "--json", "--data", up.data)
    assert done.returncode == 1
    assert json.loads(done.stdout)["up"] is False


def test_a_frozen_worker_does_not_hold_up_the_stop(up: Up) -> None:
    up.start()
    frozen = up.process("monitor")
    assert frozen.pid is not None
    os.kill(frozen.pid, signal.SIGSTOP)
    began = time.monotonic()
    up.stop()
    assert time.monotonic() - began < 10
    assert not state.runs(frozen)


def test_existing_servers_are_used_instead(tmp_path: Path) -> None:
    kafka, postgres = Kafka(tmp_path / "kafka"), Postgres(tmp_path / "postgres")
    running = Up(tmp_path / "data")
    try:
        kafka.start()
        postgres.start()
        env = {"YIZHAN_KAFKA": kafka.bootstrap, "YIZHAN_DATABASE_URL": postgres.admin_url}
        running.start(env)
        names = {each.name for each in running.state().processes}
        assert names == {"edge", "monitor", *present_services()}
        running.stop()
        assert kafka.ready() and postgres.ready()
        migrated = call("migrate", "--data", running.data, env=env)
        assert migrated.returncode == 0
        assert migrated.stdout.count("up to date") == len(present_services())
    finally:
        running.stop()
        postgres.stop()
        kafka.stop()


def test_a_plain_user_can_run_all_of_it() -> None:
    home = Path(tempfile.mkdtemp(prefix="yizhan-"))
    plain_user.owns(home)
    fetched = Path(jars.class_path().split(os.pathsep)[0]).parent
    shutil.copytree(fetched, home / "cache" / "kafka")
    running = Up(home / "data", before=plain_user.prefix())
    try:
        running.start({"YIZHAN_CACHE": str(home / "cache"), "HOME": str(home)})
        uid = running.data.stat().st_uid
        assert uid != 0
        for process in running.state().processes:
            assert Path(f"/proc/{process.pid}").stat().st_uid == uid
        assert httpx.get(f"http://127.0.0.1:{running.port}/readyz").status_code == 200
    finally:
        running.stop()
        shutil.rmtree(home)


def _foreign(data: Path) -> str:
    data.mkdir()
    (data / "thesis.txt").write_text("not ours")
    return "is not a data folder of yizhan"


def _file(data: Path) -> str:
    data.write_text("a file")
    return "is not a folder"


def _other_version(data: Path) -> str:
    DataFolder(data).make()
    (data / ".yizhan-data").write_text("99\n")
    return "another version"


def _old_database(data: Path) -> str:
    DataFolder(data).make()
    (data / "postgres").mkdir()
    (data / "postgres" / "PG_VERSION").write_text("12\n")
    return "was written by PostgreSQL 12"


@pytest.mark.parametrize("broken", [_foreign, _file, _other_version, _old_database])
def test_a_folder_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, broken: Callable[[Path], str]
) -> None:
    reason = broken(tmp_path / "data")
    done = call("up", "--port", str(free_port()), "--data", tmp_path / "data")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert [line for line in done.stderr.splitlines() if reason in line]


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = call("up", "--port", str(port), "--data", tmp_path / "data")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"yizhan: port {port} is in use: name another one\n"


def test_a_broken_city_stops_the_start_with_file_and_line(tmp_path: Path) -> None:
    city = shutil.copytree(ROOT / "cities" / "xian", tmp_path / "city")
    rules = city / "city.yaml"
    rules.write_text(rules.read_text().replace("photo_bytes: 20971520", "photo_bytes: many"))
    line = rules.read_text().splitlines().index(next(filter(_many, rules.read_text().splitlines())))
    done = call("up", "--data", tmp_path / "data", env={"YIZHAN_CITY": str(city)})
    assert done.returncode == 2
    assert f"city.yaml:{line + 1}: " in done.stderr
    assert len(done.stderr.splitlines()) == 1


def _many(line: str) -> bool:
    return "photo_bytes: many" in line
