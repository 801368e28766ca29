"""Recording what a host answers, script by script, and a host that answers from such a recording.

What is recorded is what came out of the frame, before it becomes a value: a replay runs the decoding that a real host's
answers run through.
"""

from collections.abc import Sequence
from typing import Any

from reconciler.clock import Clock
from reconciler.hosts.port import Answer, Call, Failure, FailureKind, Target
from reconciler.hosts.winrm.breaker import Breaker
from reconciler.hosts.winrm.channel import HostChannel
from reconciler.hosts.winrm.config import WinRmConfig
from reconciler.hosts.winrm.failures import refusal_of
from reconciler.hosts.winrm.frame import FrameError, RemoteError, Reply
from reconciler.hosts.winrm.operations import script_of
from reconciler.model.selftest import Exchange, SelfTest


class Recorder:
    """Channels made here note every exchange, with how long it took."""

    def __init__(self, clock: Clock) -> None:
        self.exchanges: list[Exchange] = []
        self._clock = clock

    def channel(self, target: Target, config: WinRmConfig, breaker: Breaker) -> HostChannel:
        """Return a channel that is listened to."""
        return _RecordingChannel(self, target, config, breaker)

    def note(self, script: str, params: dict[str, Any], outcome: Reply | Failure, begun: float) -> None:
        """Keep an exchange."""
        exchange = Exchange(script=script, params=params, seconds=round(self.now() - begun, 3), **_said(outcome))
        self.exchanges.append(exchange)

    def now(self) -> float:
        """Return the moment, in seconds."""
        return self._clock.now().timestamp()


class _RecordingChannel(HostChannel):
    def __init__(self, recorder: Recorder, target: Target, config: WinRmConfig, breaker: Breaker) -> None:
        super().__init__(target, config, breaker)
        self._recorder, self._begun = recorder, ("", dict[str, Any](), 0.0)

    def begin(self, name: str, params: dict[str, Any], *, changes: bool) -> None:
        self._begun = (name, params, self._recorder.now())
        super().begin(name, params, changes=changes)

    def collect(self) -> Reply | Failure:
        outcome = super().collect()
        name, params, begun = self._begun
        self._recorder.note(name, params, outcome, begun)
        return outcome


def _said(outcome: Reply | Failure) -> dict[str, Any]:
    if isinstance(outcome, Failure):
        return {
            "failure": {"kind": outcome.kind.value, "finding": outcome.finding, "remedy": outcome.remedy, "code": outcome.code}
        }
    if outcome.error is not None:
        error = outcome.error
        texts = {
            "id": error.id,
            "message": error.message,
            "category": error.category,
            "code": error.code,
            "target": error.target,
        }
        return {"error": texts}
    return {"result": outcome.result}


class RecordedHosts:
    """Every target is the recorded host: it answers each question as it did then, and refuses what it was not asked."""

    def __init__(self, recording: SelfTest) -> None:
        self._exchanges = recording.exchanges

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Answer from the recording; no connection is made."""
        return [self._answer(call) for call in calls]

    def close(self) -> None:
        """Hold nothing, give back nothing."""

    def _answer(self, call: Call) -> Answer:
        script = script_of(call.operation)
        exchange = self._find(script.name, script.params(call.operation))
        if exchange is None:
            finding = f"the recording has no answer of {script.name} to this question"
            return Answer(call, failure=Failure(FailureKind.REFUSED, finding, "record the host again", code="not-recorded"))
        if exchange.failure is not None:
            return Answer(call, failure=Failure(**exchange.failure | {"kind": FailureKind(exchange.failure["kind"])}))
        if exchange.error is not None:
            return Answer(call, failure=refusal_of(RemoteError(**exchange.error)))
        try:
            return Answer(call, value=script.decode(exchange.result, call.target))
        except FrameError as problem:
            finding = f"the recorded answer of {script.name} is not understood: {problem}"
            return Answer(call, failure=Failure(FailureKind.GARBLED, finding, "mend the decoding, or record again"))

    def _find(self, name: str, params: dict[str, Any]) -> Exchange | None:
        return next((one for one in self._exchanges if one.script == name and one.params == params), None)
