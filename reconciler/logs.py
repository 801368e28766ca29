"""How the service writes what happens: one line a fact, as JSON for machines or as text for people, each with its event's name.

Everything is an ``Event`` or a plain log record; both come out in one format. Names of events are listed in docs/service.md.
Values never hold secrets, because no event is made of one.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from reconciler.model.status import Event

EVENTS = logging.getLogger("reconciler.events")
LEVELS = {
    "desired-state-refused": logging.ERROR,
    "unknown": logging.WARNING,
    "blocked": logging.WARNING,
    "not-ready": logging.WARNING,
}


class JsonFormatter(logging.Formatter):
    """``ts, level, event, message`` and the event's own fields, one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "ts": _stamp(record),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", record.name),
            **getattr(record, "fields", {}),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, event, message, then fields as ``name=value``; line breaks are escaped, so a line stays one fact."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = getattr(record, "fields", {})
        words = [_stamp(record), f"{record.levelname.lower():7}", getattr(record, "event", record.name)]
        words += [record.getMessage().replace("\n", "\\n")] if record.getMessage() else []
        words += [f"{name}={_word(value)}" for name, value in fields.items() if value not in (None, "")]
        text = " ".join(words)
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def _stamp(record: logging.LogRecord) -> str:
    at = getattr(record, "at", None) or datetime.fromtimestamp(record.created, UTC)
    return str(at.astimezone(UTC).isoformat(timespec="milliseconds")).replace("+00:00", "Z")


def _word(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(sign in text for sign in ' "\n\r\t=') else text


def configure(form: Literal["json", "text"], level: str, stream: TextIO | None = None) -> None:
    """Send all logs to a stream (standard error unless given) in that form."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger("reconciler")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False


def log_event(event: Event, *, run_id: str, plan: str | None = None) -> None:
    """Write one event, with the run it happened in and the plan that was in force."""
    fields = {"run_id": run_id, "subject": event.subject, **event.data} | ({"plan": plan} if plan else {})
    EVENTS.log(
        LEVELS.get(event.name, logging.INFO), event.message, extra={"event": event.name, "fields": fields, "at": event.at}
    )
