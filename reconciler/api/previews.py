"""A preview of files that somebody sent, in a process of its own: bounded in time and memory, and ended when it is over.

Planning a hostile desired state may take as long as it likes there; the service's own loop never waits for it. One at a time.
"""

import multiprocessing
import os
import sys
import threading
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

from reconciler.desired import SourceFile

MEMORY_BYTES = 2 * 1024**3


class PreviewTimeout(Exception):  # noqa: N818 - named for what it is
    """It took longer than it may."""


class PreviewBusy(Exception):  # noqa: N818 - named for what it is
    """Another preview is being made."""


class PreviewFailed(Exception):  # noqa: N818 - named for what it is
    """The process ended without an answer."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is compared with what; plain data, because it goes to another process. ``observation`` is the document as JSON."""

    base_revision: str | None
    base: tuple[SourceFile, ...]
    head: tuple[SourceFile, ...]
    observation: dict[str, Any]
    now: datetime


@dataclass
class Previews:
    """Makes previews, one after another; a second caller waits a little for its turn."""

    seconds: float
    memory_bytes: int = MEMORY_BYTES
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def make(self, question: Question) -> dict[str, Any]:
        """Return the Preview document. Raises PreviewTimeout, PreviewBusy, PreviewFailed."""
        if not self._turn.acquire(timeout=self.seconds):
            raise PreviewBusy("another preview is being made; try again soon")
        try:
            return self._in_process(question)
        finally:
            self._turn.release()

    def _in_process(self, question: Question) -> dict[str, Any]:
        # Spawned, not forked: this process has threads, and a copy of it would hold the store and every connection.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(theirs, question, self.memory_bytes), daemon=True)
        process.start()
        theirs.close()
        try:
            if not ours.poll(self.seconds):
                raise PreviewTimeout(f"the preview was not done within {self.seconds:g} s; it was ended")
            answer: dict[str, Any] = ours.recv()
        except EOFError as error:
            raise PreviewFailed("the preview ended without an answer; it may have needed too much memory") from error
        finally:
            process.kill()
            process.join()
            ours.close()
        if "failed" in answer:
            raise PreviewFailed(answer["failed"])
        return answer


def _work(answer: Connection, question: Question, memory_bytes: int) -> None:
    """In the other process: load, plan, compare, answer."""
    _bound_memory(memory_bytes)
    from reconciler.cycle import UnsoundPlan
    from reconciler.model.observation import Observation
    from reconciler.preview import Revision, make_preview

    base = Revision.of("in force", question.base_revision, question.base)
    head = Revision.of("archive", None, question.head)
    try:
        made, _ = make_preview(base, head, Observation.model_validate(question.observation), question.now)
    except UnsoundPlan as unsound:
        answer.send({"failed": f"a plan was made but its audit refused it, which is a bug: {unsound.findings[0].finding}"})
        return
    answer.send(made.to_json())


def _bound_memory(limit: int) -> None:
    if sys.platform != "win32" and os.name == "posix":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
