"""What processes have to say about themselves: lines on standard error, as text or JSON."""

import logging
import sys
from datetime import UTC, datetime

import msgspec

from argus_core.ports.about import worked_on

_STANDARD = frozenset(vars(logging.makeLogRecord({})))
# Libraries that tell of every step; their warnings are of interest.
_CHATTY = ("alembic", "asyncio", "httpx", "uvicorn", "psycopg", "sqlalchemy")


def configure(level: str, format_: str) -> None:
    """Let everything that is logged from now on go to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if format_ == "json" else TextLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


class TextLines(logging.Formatter):
    """A line to read: moment, level, process, message, and what the message came with."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging`."""
        extra = "".join(f" {name}={value}" for name, value in _extra(record).items())
        line = f"{_moment(record)} {record.levelname.lower()} [{record.process}] {record.getMessage()}{extra}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """An object in each line, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging`."""
        entry: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(entry, enc_hook=str).decode()


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, object]:
    """What the message came with, and what is being worked on."""
    told = {name: value for name, value in vars(record).items() if name not in _STANDARD and name not in ("message", "taskName")}
    return {**worked_on(), **told}
