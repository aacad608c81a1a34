"""JSON lines on standard error, with the correlation id and nothing personal."""

from __future__ import annotations

import logging
import sys
import time

import msgspec

from runtime.tracing import correlation_id

_NOISY = ("aiokafka", "faust", "mode", "asyncio", "httpx", "httpcore", "PIL", "jgo")
REPEAT_S = 5.0


class JsonLines(logging.Formatter):
    """One JSON object a line; control characters are escaped by the encoder."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if correlation := getattr(record, "correlation_id", "") or correlation_id.get():
            line["correlation_id"] = correlation
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class RateLimit(logging.Filter):
    """Lets a library's line through once in 5 s per place (aiokafka writes 40,000 in an outage)."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_NOISY):
            return True
        place = (record.pathname, record.lineno)
        if record.created - self._last.get(place, 0.0) < REPEAT_S:
            return False
        self._last[place] = record.created
        return True


def configure(service: str, level: str = "INFO") -> None:
    """Sets up the root logger of a process; libraries speak from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service))
    handler.addFilter(RateLimit())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel("WARNING")
