"""The ``Hosts`` of a real fleet: operations become scripts, answers become values, hosts are asked side by side.

Calls of one host keep their order and share its channel; at most 32 hosts are waited for at once, because more threads
than that cost more than they gain.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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
            parts = [self._pool.submit(self._ask_host, [calls[at] for at in places]) for places in by_host.values()]
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

    def _ask_host(self, calls: list[Call]) -> list[Answer]:
        return [self._answer(call) for call in calls]

    def _answer(self, call: Call) -> Answer:
        if not self._config.allows(call.target):
            return Answer(call, failure=_not_allowed(call.target))
        script, channel = script_of(call.operation), self._channel(call.target)
        outcome = channel.run(script.name, script.params(call.operation), changes=script.changes)
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


def _not_allowed(target: Target) -> Failure:
    finding = f"{target.address} is in none of the domains that the controller may talk to"
    remedy = "correct the host's address, or add its domain to allowed_domains of the controller's own configuration"
    return Failure(FailureKind.REFUSED, finding, remedy, code="host-not-allowed")
