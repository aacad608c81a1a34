"""The embedded broker: real Kafka that survives what we do to it, from files that are checked."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contracts.topics import TOPICS
from yizhan.embedded import jars
from yizhan.embedded.kafka import Kafka
from yizhan.ports import free_port
from yizhan.state import start_ticks
from yizhan.topics import declare
from yizhan.trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    broker = Kafka(tmp_path_factory.mktemp("broker") / "kafka")
    broker.start()
    yield broker
    broker.stop()


async def _send(kafka: Kafka, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all")
    await producer.start()
    await producer.send_and_wait(topic, value)
    await producer.stop()


async def _first(kafka: Kafka, topic: str) -> bytes:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        return bytes((await consumer.getone()).value)
    finally:
        await consumer.stop()


def test_a_cluster_id_may_begin_with_a_dash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(bytes=b"\xf8" * 16))
    broker = Kafka(tmp_path / "kafka")
    broker.prepare()
    assert "cluster.id=-Pj4" in (tmp_path / "kafka" / "log" / "meta.properties").read_text()


async def test_topics_are_declared_once(kafka: Kafka) -> None:
    assert await declare(kafka.bootstrap) == [topic.name for topic in TOPICS]
    assert await declare(kafka.bootstrap) == []


@pytest.mark.slow
async def test_an_acknowledged_record_survives_kill_9(kafka: Kafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("survivor", 1, 1)])
    await admin.close()
    await _send(kafka, "survivor", b"still here")
    kafka.kill()
    assert not kafka.alive()
    kafka.start()
    assert await _first(kafka, "survivor") == b"still here"


@pytest.fixture
async def proxied(tmp_path: Path) -> AsyncIterator[Kafka]:
    """A broker that tells its clients to come through a proxy, and that proxy."""
    broker = Kafka(tmp_path / "kafka", advertised=("127.0.0.1", free_port()))
    broker.start()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", broker.port)
        await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))

    host, port = broker.bootstrap.split(":")
    proxy = await asyncio.start_server(forward, host, int(port))
    yield broker
    proxy.close()
    broker.stop()


async def test_a_client_is_told_the_advertised_address_and_a_wrong_topic_is_refused(
    proxied: Kafka,
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=proxied.address)
    await admin.start()
    try:
        seen = [each["port"] for each in (await admin.describe_cluster())["brokers"]]
        assert seen == [int(proxied.bootstrap.split(":")[1])]
        assert seen != [proxied.port]
        await admin.create_topics([NewTopic("notices", 3, 1)])
    finally:
        await admin.close()
    with pytest.raises(Trouble, match="notices has 3 partitions and must have 8"):
        await declare(proxied.bootstrap)


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    """kill -9 of the parent leaves nothing behind."""
    script = (
        "import pathlib, sys, time\n"
        "from yizhan.embedded.child import Child\n"
        "from yizhan.embedded.launch import wrapped\n"
        f"child = Child('sleep', pathlib.Path({str(tmp_path / 'log')!r}))\n"
        "child.launch(wrapped(['sleep', '600']))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/comm").read_text() != "sleep\n":  # past the launcher
        assert time.monotonic() < deadline
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 5
    while start_ticks(pid) is not None and time.monotonic() < deadline:
        pass
    assert start_ticks(pid) is None


def test_a_jar_that_was_tampered_with_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_CACHE", str(tmp_path))

    def tampered(jar: jars.Jar, room: Path) -> Path:
        path = room / jar.filename
        path.write_bytes(b"not what was committed")
        return path

    monkeypatch.setattr(jars, "_download", tampered)
    with pytest.raises(Trouble, match="does not have the SHA-256"):
        jars.class_path()
    assert not list((tmp_path / "kafka").glob("*.jar"))


def test_a_jar_that_rotted_in_the_cache_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Path(jars.class_path().split(os.pathsep)[0])
    shutil.copytree(good.parent, tmp_path / "kafka", copy_function=os.link)
    rotten = tmp_path / "kafka" / good.name
    rotten.unlink()
    rotten.write_bytes(b"half a fi")
    monkeypatch.setenv("YIZHAN_CACHE", str(tmp_path))
    asked: list[str] = []

    def from_elsewhere(jar: jars.Jar, room: Path) -> Path:
        asked.append(jar.filename)
        return Path(shutil.copy(good, room / jar.filename))

    monkeypatch.setattr(jars, "_download", from_elsewhere)
    jars.class_path()
    assert asked == [good.name]
    assert rotten.read_bytes() == good.read_bytes()
