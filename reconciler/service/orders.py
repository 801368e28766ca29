"""What operators may ask of a running service, as values; the loop carries them out between passes, one writer for all.

Each order says who gave it, and goes into the audit trail whether it was carried out or not.
"""

import queue
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class HoldMachine:
    """Hands off one machine, until ``until`` or until released."""

    machine: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReleaseMachine:
    """Take back a hold that was given at run time."""

    machine: str


@dataclass(frozen=True, slots=True)
class CancelMigration:
    """Ask the source host to cancel the migration of a machine that is under way."""

    machine: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Start nothing more in the whole fleet until resumed; what runs is followed, roles owed are restored."""

    reason: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Start again what may start."""


@dataclass(frozen=True, slots=True)
class ApprovePlan:
    """Let the plan of this fingerprint start, once, where the service waits for approval."""

    fingerprint: str


@dataclass(frozen=True, slots=True)
class AcceptRevision:
    """Follow this revision although history was rewritten or the desired state shrank."""

    revision: str


Order = HoldMachine | ReleaseMachine | CancelMigration | Pause | Resume | ApprovePlan | AcceptRevision


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an order: a sentence for the operator; ``code`` is a stable word where it was refused, else empty."""

    message: str
    code: str = ""

    @property
    def done(self) -> bool:
        """Whether it was carried out."""
        return not self.code


@dataclass(frozen=True, slots=True)
class Given:
    """An order with who gave it and where the answer goes."""

    order: Order
    actor: str
    answer: "Future[Result]"


class OrderBook:
    """Orders on their way from any thread to the loop's. Bounded: a loop that does not take them soon refuses more."""

    def __init__(self, most: int = 100) -> None:
        self._waiting: queue.Queue[Given] = queue.Queue(most)

    def give(self, order: Order, actor: str) -> "Future[Result]":
        """Hand an order over; the future is answered by the loop. A full book answers at once."""
        answer: Future[Result] = Future()
        try:
            self._waiting.put_nowait(Given(order, actor, answer))
        except queue.Full:
            answer.set_result(Result("too many orders wait already; try again soon", "busy"))
        return answer

    def take(self) -> list[Given]:
        """Return the orders that were given since, oldest first. For the loop alone."""
        taken = []
        while True:
            try:
                taken.append(self._waiting.get_nowait())
            except queue.Empty:
                return taken
