"""Sending notices with Apprise (webhook, Teams, mail and some hundred more), in a thread of its own.

The service never waits for a mail server. What cannot be sent is tried again for a while, then counted as lost and logged; an
address of a target never reaches a log, because it usually holds a secret.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from reconciler.model.problem import Problem
from reconciler.notices import Message

_log = logging.getLogger("reconciler.notices")

MOST_WAITING = 1000
PAUSES_SECONDS = (5.0, 30.0, 120.0)


class TargetsError(Exception):
    """The file of targets cannot be used."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Sends(Protocol):
    """Something that brings a message to people."""

    def send(self, title: str, body: str, kind: str) -> bool:
        """Tell whether it arrived everywhere; never raises."""
        ...


class AppriseTargets:
    """All targets of a file, one Apprise URL a line; ``#`` begins a comment."""

    def __init__(self, file: Path) -> None:
        import apprise

        try:
            lines = [line.strip() for line in file.read_text("utf-8").splitlines()]
        except OSError as error:
            remedy = "name a readable file with one Apprise URL a line (notices.targets)"
            raise TargetsError(
                Problem("bad-targets", f"cannot be read: {error.strerror}", remedy, subject=str(file))
            ) from error
        self._apprise: Any = apprise.Apprise()
        for number, line in enumerate(lines, start=1):
            if line and not line.startswith("#") and not self._apprise.add(line):
                remedy = "write it as Apprise does, e.g. mailto://..., msteams://..., json://host/path"
                raise TargetsError(Problem("bad-target", f"line {number} is no target", remedy, subject=str(file)))

    def send(self, title: str, body: str, kind: str) -> bool:
        """Send to all targets."""
        try:
            return bool(self._apprise.notify(body=body, title=title, notify_type=kind))
        except Exception as error:  # a target's own code; what it says may hold its address
            _log.warning("a target failed with %s", type(error).__name__)
            return False


KINDS = {"opened": "warning", "grown": "warning", "recovered": "success"}


class Notifier:
    """Sends messages one after another, in their order. ``count`` is told what came of each: sent or lost."""

    def __init__(self, targets: Sends, count: Callable[[str], None], pauses: Sequence[float] = PAUSES_SECONDS) -> None:
        self._targets, self._count, self._pauses = targets, count, tuple(pauses)
        self._waiting: queue.Queue[Message | None] = queue.Queue(MOST_WAITING)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="notices", daemon=True)
        self._thread.start()

    def send(self, messages: Sequence[Message]) -> None:
        """Hand messages over; returns at once."""
        for message in messages:
            try:
                self._waiting.put_nowait(message)
            except queue.Full:
                self._lost(message)

    def close(self, seconds: float = 5) -> None:
        """Send what waits, for so long at most, and end."""
        self._waiting.put(None)
        self._thread.join(seconds)
        self._ending.set()
        self._thread.join(1)

    def _work(self) -> None:
        while (message := self._waiting.get()) is not None and not self._ending.is_set():
            self._deliver(message)

    def _deliver(self, message: Message) -> None:
        for pause in (*self._pauses, None):
            if self._targets.send(f"reconciler: {message.title}", message.body, KINDS[message.kind]):
                self._count("sent")
                return
            if pause is None or self._ending.wait(pause):
                break
        self._lost(message)

    def _lost(self, message: Message) -> None:
        self._count("lost")
        _log.error("a notice could not be sent", extra={"event": "notice-lost", "fields": {"title": message.title}})
