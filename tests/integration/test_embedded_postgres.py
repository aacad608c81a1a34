"""The embedded PostgreSQL: as root in two ways and as a plain user, never without a password."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.integration import plain_user
from yizhan.embedded.launch import NOBODY
from yizhan.embedded.postgres import Postgres
from yizhan.trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user can be let into: pytest's own stands under a closed one."""
    path = Path(tempfile.mkdtemp(prefix="yizhan-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(params=["namespace", "setuid"] if os.geteuid() == 0 else ["self"])
def postgres(request: pytest.FixtureRequest, folder: Path) -> Iterator[Postgres]:
    server = Postgres(folder / "postgres", run_as=request.param)
    try:
        server.start()
    except Trouble as error:
        if request.param == "setuid":  # a checkout that uid 65534 cannot reach
            pytest.skip(str(error))
        raise
    yield server
    server.stop()


def test_committed_rows_survive_kill_9(postgres: Postgres) -> None:
    with psycopg.connect(postgres.admin_url) as connection:
        connection.execute("create table kept as select generate_series(1, 1000) as n")
    postgres.kill()
    postgres.start()
    with psycopg.connect(postgres.admin_url) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (1000,)
        for name, value in (("fsync", "on"), ("synchronous_commit", "on")):
            assert connection.execute(f"show {name}".encode()).fetchone() == (value,)


def test_nobody_gets_in_without_the_password(postgres: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url("postgres", "guessed", "postgres"))
    with pytest.raises(psycopg.OperationalError, match="no password"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres")


def test_files_are_private_and_the_server_is_not_root_to_itself(
    postgres: Postgres, folder: Path
) -> None:
    assert postgres.data.stat().st_mode & 0o777 == 0o700
    assert (folder / "postgres.password").stat().st_mode & 0o777 == 0o600
    uid_map = Path(f"/proc/{postgres.pid}/uid_map").read_text().split()
    status = Path(f"/proc/{postgres.pid}/status").read_text()
    effective = int(status.partition("Uid:")[2].split()[1])
    if os.geteuid() == 0:
        assert effective == NOBODY or uid_map == [str(NOBODY), "0", "1"]
    capabilities = status.partition("CapEff:")[2].split()[0]
    assert int(capabilities, 16) == 0


def test_a_recycled_process_id_in_the_lock_file_does_not_stop_it(postgres: Postgres) -> None:
    postgres.kill()
    lock = postgres.data / "postmaster.pid"
    lines = lock.read_text().split("\n")
    with subprocess.Popen(["sleep", "600"]) as somebody:  # PostgreSQL itself forgives its parent
        lock.write_text("\n".join([str(somebody.pid), *lines[1:]]))
        try:
            postgres.start()
        finally:
            somebody.kill()
    assert postgres.ready()


def test_a_second_server_in_the_same_folder_is_refused(postgres: Postgres) -> None:
    twin = Postgres(postgres.data)
    with pytest.raises(Trouble, match="another PostgreSQL"):
        twin.start()
    assert postgres.ready()


def test_a_folder_of_another_version_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(Trouble, match="written by PostgreSQL 16"):
        Postgres(tmp_path / "postgres", run_as="self").prepare()


def test_a_plain_user_can_run_it(folder: Path) -> None:
    plain_user.owns(folder)
    script = (
        "import os, pathlib, psycopg\n"
        "from yizhan.embedded.postgres import Postgres\n"
        f"server = Postgres(pathlib.Path({str(folder / 'postgres')!r}))\n"
        "server.start()\n"
        "with psycopg.connect(server.admin_url) as connection:\n"
        "    print(os.geteuid() != 0, connection.execute('select 1').fetchone())\n"
        "server.stop()\n"
    )
    done = subprocess.run(
        [*plain_user.prefix(), sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"HOME": str(folder)},
        check=False,
    )
    assert done.stdout.split("\n")[0] == "True (1,)", done.stderr
