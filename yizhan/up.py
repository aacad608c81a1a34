"""`yizhan up`: the whole product on this machine, from nothing to `ready`, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from cities.areas import Areas, load_areas
from cities.load import load_city
from cities.notices import load_notices
from yizhan import installing, servers, state, welcome
from yizhan.datafolder import DataFolder
from yizhan.environment import Installation, present_services
from yizhan.ports import is_free
from yizhan.processes import edge_spec, monitor_spec, worker_spec
from yizhan.scrape import write_targets
from yizhan.servers import Servers, until_ready
from yizhan.state import ProcessState, State
from yizhan.supervisor import Supervisor, say
from yizhan.trouble import Trouble

DEFAULT_CITY = "xian"
START_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says."""

    port: int
    data: Path
    kafka_port: int | None = None
    postgres_port: int | None = None


def up(options: Options) -> None:
    """Runs until SIGINT, SIGTERM or SIGHUP and ends the process.

    Raises Trouble before anything was started, CityError for a broken city.
    """
    city = os.environ.get("YIZHAN_CITY", DEFAULT_CITY)
    load_city(city)
    load_notices(city)
    areas = load_areas(city)
    data = DataFolder(options.data)
    data.make()
    data.lock()
    state.stop_leftovers(state.read(data.state_file), say)
    for port in (options.port, options.kafka_port, options.postgres_port):
        if port is not None and not is_free(port):
            raise Trouble(f"port {port} is in use: name another one")
    loop = asyncio.new_event_loop()
    code = loop.run_until_complete(_Up(options, data, city, areas).run())
    sys.stdout.flush()
    os._exit(code)  # a start that was broken off may have threads that still fetch


class _Up:
    def __init__(self, options: Options, data: DataFolder, city: str, areas: Areas) -> None:
        self._options, self._data, self._city, self._areas = options, data, city, areas
        pid = os.getpid()
        self._state = State(supervisor_pid=pid, supervisor_ticks=state.start_ticks(pid) or 0)

    async def run(self) -> int:
        """Starts, waits for a signal, stops; a failed start stops too. The exit code."""
        self._supervisor = Supervisor(self._changed)
        stop = asyncio.Event()
        self._listen(stop)
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stopping
        except Trouble as error:
            say(f"yizhan: {error}")
            return 1
        finally:
            await self._stop(starting)
        return 0

    def _listen(self, stop: asyncio.Event) -> None:
        def asked() -> None:
            if stop.is_set():
                self._supervisor.kill()
            stop.set()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, asked)

    async def _start(self) -> None:
        options, services = self._options, present_services()
        found = await servers.start(
            self._supervisor,
            self._data,
            os.environ,
            kafka_port=options.kafka_port,
            postgres_port=options.postgres_port,
        )
        place = self._installation(found, services)
        await installing.prepare(found, services, self._data)
        await self._start_processes(place)
        write_targets(place)
        self._state.ready = True
        self._changed(self._state.processes)
        print(welcome.text(place.url, self._areas), file=sys.stderr, flush=True)
        print(f"ready {place.url}", flush=True)

    def _installation(self, found: Servers, services: tuple[str, ...]) -> Installation:
        place = installing.place(found, services, self._data, self._options.port, self._city)
        self._state.url, self._state.kafka = place.url, place.kafka
        self._state.database, self._state.embedded = place.database, found.embedded
        return place

    async def _start_processes(self, place: Installation) -> None:
        specs = [worker_spec(place, service) for service in place.services]
        specs += [edge_spec(place), monitor_spec(place)]
        kept = [self._supervisor.start(spec) for spec in specs]
        await asyncio.gather(*(until_ready(each, tries=START_TRIES) for each in kept))

    def _changed(self, processes: list[ProcessState]) -> None:
        self._state.processes = processes
        state.write(self._data.state_file, self._state)

    async def _stop(self, starting: asyncio.Task[None]) -> None:
        starting.cancel()
        self._state.ready = False
        await self._supervisor.stop()
        say("stopped")
