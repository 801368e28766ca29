"""The ``Hosts`` of a real fleet: operations become scripts, answers become values, hosts are asked side by side.

Calls of one host keep their order and share its channel. All hosts are asked before the first answer is fetched, so what
they take to answer passes side by side, while at most 32 threads wait: more would cost more than they gain.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from reconciler.hosts.port import Answer, Call, Failure, FailureKind, Target
from reconciler.hosts.winrm.breaker import PROCESS_BREAKERS, Breaker, Breakers
from reconciler.hosts.winrm.channel import HostChannel
from reconciler.hosts.winrm.config import WinRmConfig
from reconciler.hosts.winrm.failures import failure_of, refusal_of
from reconciler.hosts.winrm.frame import FrameError
from reconciler.hosts.winrm.operations import script_of

MAXIMUM_THREADS: Final = 32

MakeChannel = Callable[[Target, WinRmConfig, Breaker], HostChannel]


class WinRmHosts:
    """Reaches hosts over WinRM. Close it when done: warm shells count against the quota of their hosts."""

    def __init__(
        self, config: WinRmConfig, *, breakers: Breakers = PROCESS_BREAKERS, make_channel: MakeChannel = HostChannel
    ) -> None:
        self._config, self._make_channel = config, make_channel
        self._breaker = breakers.of(config)
        self._channels: dict[Target, HostChannel] = {}
        self._pool = ThreadPoolExecutor(MAXIMUM_THREADS, thread_name_prefix="winrm")
        self._asking = threading.Lock()

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Carry out the calls, hosts side by side, calls of one host in their order; answers come in the order of calls."""
        by_host: dict[Target, list[int]] = {}
        for position, call in enumerate(calls):
            by_host.setdefault(call.target, []).append(position)
        with self._asking:
            parts = [self._ask_host([calls[at] for at in places]) for places in by_host.values()]
            answers = [part.result() for part in parts]
        placed = {
            at: answer
            for places, part in zip(by_host.values(), answers, strict=True)
            for at, answer in zip(places, part, strict=True)
        }
        return [placed[position] for position in range(len(calls))]

    def close(self) -> None:
        """Give back shells and connections, hosts side by side. May be called twice."""
        with self._asking:
            channels, self._channels = list(self._channels.values()), {}
            list(self._pool.map(HostChannel.close, channels))
            self._pool.shutdown()

    def _ask_host(self, calls: list[Call]) -> "Future[list[Answer]]":
        """Ask one host: begin its first call, and fetch answers once all other hosts of this round have been asked too.

        The pool serves in order, so what a beginning puts at the end of its queue comes after all other beginnings.
        """
        answers: Future[list[Answer]] = Future()

        def begin() -> None:
            with _handing_on(answers):
                early = self._begin(calls[0])
                self._pool.submit(fetch, early)

        def fetch(early: Answer | None) -> None:
            with _handing_on(answers):
                first = early or self._collect(calls[0])
                answers.set_result([first, *(self._begin(call) or self._collect(call) for call in calls[1:])])

        self._pool.submit(begin)
        return answers

    def _begin(self, call: Call) -> Answer | None:
        """Send a call on its way; return its answer at once where it may not go."""
        if not self._config.allows(call.target):
            return Answer(call, failure=_not_allowed(call.target))
        script = script_of(call.operation)
        self._channel(call.target).begin(script.name, script.params(call.operation), changes=script.changes)
        return None

    def _collect(self, call: Call) -> Answer:
        script, outcome = script_of(call.operation), self._channel(call.target).collect()
        if isinstance(outcome, Failure):
            return Answer(call, failure=outcome)
        if outcome.error:
            return Answer(call, failure=refusal_of(outcome.error))
        try:
            return Answer(call, value=script.decode(outcome.result, call.target))
        except FrameError as problem:
            url = self._config.url_of(call.target)
            return Answer(call, failure=failure_of(problem, url, changes=script.changes, sent=True))

    def _channel(self, target: Target) -> HostChannel:
        # Only the one thread that serves this host asks for its channel, and dicts are safe under that.
        channel = self._channels.get(target)
        if channel is None:
            channel = self._channels[target] = self._make_channel(target, self._config, self._breaker)
        return channel


@contextmanager
def _handing_on(future: "Future[list[Answer]]") -> Iterator[None]:
    """Let whoever waits for the future have what is raised, rather than the thread of the pool."""
    try:
        yield
    except BaseException as problem:
        future.set_exception(problem)


def _not_allowed(target: Target) -> Failure:
    finding = f"{target.address} is in none of the domains that the controller may talk to"
    remedy = "correct the host's address, or add its domain to allowed_domains of the controller's own configuration"
    return Failure(FailureKind.REFUSED, finding, remedy, code="host-not-allowed")
