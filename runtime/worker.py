"""A worker process: Faust and the guard, the relay, jobs, timers and health on one loop."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import faust
import mode
import uvloop

from runtime import garbage, upkeep
from runtime.broker import lag_of, topics_exist
from runtime.consume import Guard, exit_on_bug
from runtime.db import Database
from runtime.deadletters import Limits
from runtime.effects import Effects
from runtime.fetching import App
from runtime.health import HealthServer
from runtime.jobs import JobRunner
from runtime.lag import group_of
from runtime.metrics import RELAY_LEADS
from runtime.producer import Producer
from runtime.relay import Relay
from runtime.settings import Common
from runtime.tasks import end
from runtime.timers import Timer

EXIT_STALLED = 75
STALLED_AFTER_S = 60.0
WATCH_EVERY_S = 10.0
THREADS_SWITCH_S = 0.0005
"""Faust fetches in a thread of its own: with Python's 5 ms each hand-over waits for the other."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class WorkerPlan:
    """What a service's worker does. `declare` binds its agents; `close` runs at the end.

    `pace_s` is the guard's, `gather_s` the broker's; `beside` runs as long as the worker.
    """

    service: str
    database_url: str
    common: Common
    effects: Sequence[Effects[Any]]
    declare: Callable[[faust.App, Guard], None]
    jobs: Sequence[JobRunner] = ()
    timers: Sequence[Timer] = ()
    start: Callable[[Database], Awaitable[None]] | None = None
    close: Callable[[], Awaitable[None]] | None = None
    stop_grace_s: float = 4.0
    pool_size: int = 8
    pace_s: float = 0.0
    gather_s: float = 0.0
    beside: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()


def run(plan: WorkerPlan) -> None:
    """Runs until a signal; never returns normally. Exit 70: a bug; 75: the consumer stood still."""
    sys.setswitchinterval(THREADS_SWITCH_S)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # for the thread that fetches, too
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = Worker(plan)
    app = _app(plan)
    db = loop.run_until_complete(
        Database.connect(plan.database_url, schema=plan.service, size=plan.pool_size)
    )
    worker.prepare(db)
    plan.declare(app, worker.guard)
    process = _Process(
        app,
        worker.health_service(),
        worker.gate_service(),
        loop=loop,
        quiet=True,
        override_logging=False,
        redirect_stdouts=False,
    )
    process.grace_s = plan.stop_grace_s
    process.spinner = None
    process.execute_from_commandline()


def _app(plan: WorkerPlan) -> faust.App:
    app = App(
        group_of(plan.service),
        broker=f"kafka://{plan.common.kafka}",
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        broker_session_timeout=10,
        broker_heartbeat_interval=1,
        broker_rebalance_timeout=15,
        broker_request_timeout=30,
        broker_commit_interval=1.0,
        stream_buffer_maxsize=2048,
        stream_wait_empty=False,
        consumer_metadata_max_age_ms=5000,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=f"{group_of(plan.service)}-{plan.common.slot}",
    )
    app.gather_s = plan.gather_s
    return app


class _Process(faust.Worker):
    """Faust's worker, but a stop that hangs on a lost broker ends after the grace."""

    grace_s = 4.0

    def _on_sigterm(self) -> None:
        self._arm()
        super()._on_sigterm()

    def _on_sigint(self) -> None:
        self._arm()
        super()._on_sigint()

    def _arm(self) -> None:
        timer = threading.Timer(self.grace_s, os._exit, (0,))
        timer.daemon = True
        timer.start()


class Worker:
    """The parts of a worker beside Faust, each in a task that may not die unseen."""

    guard: Guard

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._started_at = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self._gate_open = False

    def prepare(self, db: Database) -> None:
        """Binds the database; needs no broker."""
        self._db = db
        common = self._plan.common
        self._producer = Producer(common.kafka)
        self._relay = Relay(db, self._producer)
        self._jobs_wake = asyncio.Event()
        self.guard = Guard(
            db,
            self._plan.effects,
            limits=Limits(max_ratio=common.dlq_max_ratio, max_in_row=common.dlq_max_in_row),
            committed=self._committed,
            pace_s=self._plan.pace_s,
        )
        self._health = HealthServer(
            common.health_port,
            alive=self._dead,
            ready=self._unready,
            host=common.host,
        )

    def _committed(self, jobs: bool = True) -> None:
        self._relay.wake()
        if jobs:
            self._jobs_wake.set()

    def health_service(self) -> mode.Service:
        """Answers /livez from the first moment and ends with the process."""
        return _Lifecycle(self._health.start, self._health.stop)

    def gate_service(self) -> mode.Service:
        """Waits for broker, topics and schema before Faust starts; then starts the rest."""
        return _Lifecycle(self._open, self._shut)

    async def _open(self) -> None:
        await topics_exist(self._plan.common.kafka, self._plan.service)
        self._gate_open = True
        if self._plan.start is not None:
            await self._plan.start(self._db)
        plan, db = self._plan, self._db
        self._spawn(upkeep.run(db))
        self._spawn(self._relay.run())
        self._spawn(self._show_leadership())
        self._spawn(self._watch())
        for jobs in plan.jobs:
            self._spawn(jobs.run(db, self._jobs_wake, self._committed))
        for work in plan.beside:
            self._spawn(work())
        for timer in plan.timers:
            self._spawn(timer.run(db, self._committed))
        garbage.settle()

    def _spawn(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(exit_on_bug(work)))

    async def _shut(self) -> None:
        await end(*self._tasks)
        await self._producer.reset()
        if self._plan.close is not None:
            await self._plan.close()
        await self._db.close()

    async def _show_leadership(self) -> None:
        while True:
            RELAY_LEADS.labels(self._plan.service).set(self._relay.leads)
            await asyncio.sleep(1)

    async def _watch(self) -> None:
        """Ends a process whose consumer stands still while there is lag (kafka.md, H11)."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            idle_s = time.monotonic() - max(self.guard.last_batch_at(), self._started_at)
            if idle_s < STALLED_AFTER_S or self.guard.problems():
                continue
            if await lag_of(self._plan.common.kafka, self._plan.service) > 0:
                log.error("no batch for %.0f s although there is lag: restarting", idle_s)
                logging.shutdown()
                os._exit(EXIT_STALLED)
            self._started_at = time.monotonic()

    def _dead(self) -> list[str]:
        return ["a part of the worker ended"] if any(t.done() for t in self._tasks) else []

    def _unready(self) -> list[str]:
        if not self._gate_open:
            return ["the broker or its topics are not there yet"]
        return self._dead() + self.guard.problems()


class _Lifecycle(mode.Service):
    def __init__(
        self, start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__()
        self._begin, self._end = start, stop

    async def on_start(self) -> None:
        await self._begin()

    async def on_stop(self) -> None:
        await self._end()
