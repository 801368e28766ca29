"""The only way to one host: a call begun and later collected, a deadline of our own, and every outcome as a value.

One owner at a time: two threads on one encrypted connection ruin it, so a lock asserts that there is only one. Nothing that
changes a host is ever run twice. What is repeated, once, is reading, and a change whose script could not yet have begun.
"""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from winrm.exceptions import InvalidCredentialsError

from reconciler.hosts.port import Failure, Target
from reconciler.hosts.winrm.bootstrap import script
from reconciler.hosts.winrm.breaker import Breaker
from reconciler.hosts.winrm.config import WinRmConfig
from reconciler.hosts.winrm.conversation import Conversation, Knock, MakeWire, Monotonic, Order
from reconciler.hosts.winrm.failures import DeadlineError, failure_of, leaves_connection_sound, place_of, wants_fresh_start
from reconciler.hosts.winrm.frame import Reply, Request, build_request
from reconciler.hosts.winrm.transport import PywinrmWire, knock

CHUNK_BYTES: Final = 100_000  # 133 KB in an envelope: the oldest hosts take 150
END: Final = b"\n\n"
COLLECT_SECONDS: Final = 10  # an answer that lies ready is fetched even where we come late for it
FIRST_SHARE: Final = 0.5  # of its time a call gives to a process that has never answered yet; then it takes the other way


@dataclass(slots=True)
class _Call:
    """What was asked, when it must be over, and how far it has come: on its way, or already ended by some trouble."""

    name: str
    params: dict[str, Any]
    changes: bool
    ends: float
    order: Order
    used_before: bool
    problem: Exception | None = None


def _pieces(request: bytes, *, alone: bool) -> tuple[bytes, ...]:
    """Cut a request into what one message each carries. An empty line ends it, whether the input stays open or not.

    ``alone``: that empty line is a message of its own. A change that goes to a waiting process has no other message before it
    that would show that the connection is gone; so the change itself does, while it cannot have begun yet.
    """
    chunks = [request[start : start + CHUNK_BYTES] for start in range(0, len(request), CHUNK_BYTES)]
    return (*chunks, END) if alone else (*chunks[:-1], chunks[-1] + END)


class HostChannel:
    """Begin a call, then collect its outcome. ``wire``, ``knock`` and ``monotonic`` can be replaced, for tests."""

    def __init__(
        self,
        target: Target,
        config: WinRmConfig,
        breaker: Breaker,
        *,
        wire: MakeWire = PywinrmWire,
        knock: Knock = knock,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._url, self._config, self._breaker, self._now = config.url_of(target), config, breaker, monotonic
        self._talk = Conversation(self._url, config, breaker, wire=wire, knock=knock, monotonic=monotonic)
        self._keeps_process = config.keep_process
        self._is_proven = False  # a kept process of this host has answered once
        self._under_way: _Call | None = None
        self._owner = threading.Lock()

    def __repr__(self) -> str:
        return f"HostChannel({self._url!r})"

    def run(self, name: str, params: dict[str, Any], *, changes: bool) -> Reply | Failure:
        """Run a shipped script and return what it answered, or why there is no answer."""
        self.begin(name, params, changes=changes)
        return self.collect()

    def begin(self, name: str, params: dict[str, Any], *, changes: bool) -> None:
        """Send a request; its outcome, whatever it is, is had from ``collect``, which must follow.

        ``changes`` says whether the script changes anything; it decides what a lost answer means and what may be repeated.
        Raises RuntimeError when two threads use the channel at once.
        """
        if not self._owner.acquire(blocking=False):
            raise RuntimeError(f"two threads use the channel to {self._url} at once")
        ends = self._now() + self._config.deadline_seconds
        call = _Call(name, params, changes, ends, self._order(name, params, changes, ends), self._talk.is_open)
        self._under_way = call
        call.problem = self._attempt(call, self._talk.send)
        if call.problem is not None and self._may_repeat(call):
            self._repeat(call)

    def collect(self) -> Reply | Failure:
        """Return what the call that was begun has come to."""
        call, self._under_way = self._under_way, None
        assert call is not None, "a call is begun before it is collected"
        try:
            return self._outcome(call)
        finally:
            self._owner.release()

    def close(self) -> None:
        """Give the shell back and drop the connection; trouble on the way is of no interest any more."""
        with self._owner:
            self._talk.close()
            self._talk.drop()

    def _outcome(self, call: _Call) -> Reply | Failure:
        outcome = call.problem or self._receive(call)
        if isinstance(outcome, Exception) and call.problem is None and self._may_repeat(call, outcome):
            self._repeat(call)
            again = call.problem or self._receive(call)
            if isinstance(again, DeadlineError) and not call.order.sent:
                return failure_of(outcome, self._url, changes=call.changes, sent=True)  # there was no time for a second try
            outcome = again
        if isinstance(outcome, Exception):
            return failure_of(outcome, self._url, changes=call.changes, sent=call.order.sent)
        return outcome

    def _order(self, name: str, params: dict[str, Any], changes: bool, ends: float) -> Order:
        """Return the request. A process that has never answered is given no change, and a read for part of the time only."""
        op = uuid.uuid4().hex
        keeps = self._keeps_process and (self._is_proven or not changes)
        ends = self._share_of(ends, keeps)
        request = build_request(Request(op, name, script(name), params))
        return Order(op, _pieces(request, alone=changes and keeps), ends, keeps)

    def _share_of(self, ends: float, keeps: bool) -> float:
        """Return until when to wait: all the time there is, or a part where a second way may have to be taken."""
        return ends if self._is_proven or not keeps else self._now() + (ends - self._now()) * FIRST_SHARE

    def _receive(self, call: _Call) -> Reply | Exception:
        call.ends = max(call.ends, self._now() + min(COLLECT_SECONDS, self._config.deadline_seconds))
        call.order.ends = self._share_of(call.ends, call.order.keeps)
        reply: list[Reply] = []
        problem = self._attempt(call, lambda order: reply.append(self._talk.receive(order)))
        if problem is not None:
            return problem
        self._is_proven = self._is_proven or call.order.keeps
        return reply[0]

    def _may_repeat(self, call: _Call, problem: Exception | None = None) -> bool:
        """Tell whether a call may be tried again: it changes nothing or cannot have begun, and another way may help."""
        problem = problem or call.problem
        if problem is None or (call.changes and call.order.sent):
            return False
        if call.order.keeps and call.order.sent and not self._is_proven:
            self._keeps_process = False  # this host does not feed a waiting process, or loses it: each request has its own
            return True
        return call.used_before and wants_fresh_start(problem)

    def _repeat(self, call: _Call) -> None:
        call.order, call.used_before = self._order(call.name, call.params, call.changes, call.ends), False
        call.problem = self._attempt(call, self._talk.send)

    def _attempt(self, call: _Call, step: Callable[[Order], None]) -> Exception | None:
        """Take a step; return what went wrong, the connection then dropped.

        Whatever a host sends passes through several parsers that raise what they like (KeyError, AssertionError, ...), so
        every exception of the conversation is taken for the conversation's, never raised.
        """
        try:
            step(call.order)
        except Exception as problem:
            if isinstance(problem, InvalidCredentialsError):
                self._breaker.refuse(place_of(self._url))
            if leaves_connection_sound(problem):
                self._talk.close()
            self._talk.drop()
            return problem
        return None
