"""`yizhan up` with servers that exist already, and as a user without rights."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import httpx

from tests.integration import plain_user
from tests.integration.running import Up, call
from yizhan.embedded import jars
from yizhan.embedded.kafka import Kafka
from yizhan.embedded.postgres import Postgres
from yizhan.environment import present_services


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
