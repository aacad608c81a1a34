"""The process that decodes: short of memory, time and files, so that a hostile photo ends here.

Started by `processor.py` as `python -m services.intake.adapters.photos.child`; reads tasks on
its standard input, writes a greeting and replies to what was its standard output, and ends when
the input does.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import IO

from services.intake.adapters.photos.messages import (
    HELLO,
    TASKS_PER_CHILD,
    PhotoRefused,
    frame,
    read_task,
)

MEMORY_BYTES = 512 * 2**20
CPU_S_PER_TASK = 5
MOST_FILES = 32
NICENESS = 5


def main() -> None:
    """Serves its share of tasks, one after the other."""
    replies = _take_standard_output()
    _limit_for_good()
    # After the limits: importing the decoders must fit into them too.
    from services.intake.adapters.photos import decode

    decode.prepare()
    replies.write(HELLO)
    replies.flush()
    for _ in range(TASKS_PER_CHILD):
        _limit_next_task()
        task = read_task(sys.stdin.buffer)
        if task is None:
            return
        try:
            reply = frame(decode.answer(task))
        except MemoryError:
            reply = frame(PhotoRefused("too-costly"))
        replies.write(reply)
        replies.flush()


def _take_standard_output() -> IO[bytes]:
    """The pipe for replies; whatever a library prints goes nowhere."""
    replies = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return replies


def _limit_for_good() -> None:
    os.nice(NICENESS)
    most_cpu_s = CPU_S_PER_TASK * (TASKS_PER_CHILD + 1)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, most_cpu_s),
        (resource.RLIMIT_NOFILE, MOST_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _limit_next_task() -> None:
    """The kernel counts from the start of the process: the soft limit moves on with it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used_s = int(usage.ru_utime + usage.ru_stime)
    _, hard_s = resource.getrlimit(resource.RLIMIT_CPU)
    soft_s = min(used_s + CPU_S_PER_TASK, hard_s)
    resource.setrlimit(resource.RLIMIT_CPU, (soft_s, hard_s))


if __name__ == "__main__":
    main()
