"""How Faust asks the broker: a consumer that nobody waits for lets it gather an answer.

One fetch an event would cost more than the event: an answer, a hand-over between two threads and a
wake-up each, in the broker too.
"""

from __future__ import annotations

from typing import Any

import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer

ENOUGH_BYTES = 64 * 1024


class App(faust.App):
    """Keeps nothing on a disk, so it makes no folder: a container's may be read-only."""

    gather_s = 0.0
    """How long the broker may hold an answer back while less than ENOUGH_BYTES have come."""

    def _create_directories(self) -> None:
        """Its tables would lie there."""

    def _new_transport(self) -> Any:
        transport: Any = super()._new_transport()
        if self.gather_s:
            transport.Consumer = _Consumer
        return transport


class _Consumer(Consumer):
    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Thread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        # Faust has no setting for it, and aiokafka reads both when it starts.
        consumer: Any = super()._create_worker_consumer(transport)
        consumer._fetch_min_bytes = ENOUGH_BYTES
        consumer._fetch_max_wait_ms = int(self.app.gather_s * 1000)
        return consumer
