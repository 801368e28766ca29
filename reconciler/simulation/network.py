"""The way to the simulated hosts as a bad network makes it: calls that are refused, hang, are lost on either way, come late.

Each host has its own stream of luck. Every change is judged by the checker on its way out, and every answer is taken in.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reconciler.hosts.port import Answer, Call, Failure, FailureKind, HostReport, RemoveClusterRole, Survey
from reconciler.model.words import HostStatus
from reconciler.simulation.checker import Asked, Violation, judge_request
from reconciler.simulation.checker.knowledge import CHANGES
from reconciler.simulation.stage import Stage
from reconciler.simulator.fleet import SimulatedHosts
from reconciler.simulator.history import EventKind

CALL_FAULTS = ("connection-refused", "hang", "lost-reply", "lost-request", "late-request", "slow-host")
ANSWER_FAULTS = ("stale-answer", "partial-answer")
MOST_CALLS = 6_000  # one run that asks more often goes round in circles, or a service within a day
HAND_OVER_SECONDS = 40


class SimulatedNetwork:
    """The ``Hosts`` of one controller process; a ``service`` may go on asking for days, as long as a slow migration takes."""

    def __init__(self, stage: Stage, *, service: bool = False) -> None:
        self._stage, self._hosts = stage, SimulatedHosts(stage.world)
        self._service, self._began, self._asked = service, stage.timeline.now(), 0

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Carry out the calls, each with its own luck; die before or after if it is to be."""
        stage = self._stage
        self._asked += 1
        days = (stage.timeline.now() - self._began).days if self._service else 0
        if self._asked > MOST_CALLS * (days + 1):
            raise Violation("L1", f"one run asked the hosts {MOST_CALLS} times and does not end")
        stage.known.asking(list(calls))
        for call in calls:
            self._judge(call)
        what = _names(calls)
        stage.points.pass_by(f"before {what}")
        answers = [self._one(call) for call in calls]
        stage.happened()
        stage.points.pass_by(f"after {what}")
        return answers

    def close(self) -> None:
        """Nothing is held."""

    def _one(self, call: Call) -> Answer:
        stage = self._stage
        key = stage.known.key(call.target.name)
        change = isinstance(call.operation, CHANGES)
        asked_at, true_at = stage.clock.now(), stage.timeline.now()
        answer, altered = self._carried(call, key, change)
        stage.log.add("call", f"{key} {_short(call)} -> {_told(answer)}")
        stage.known.answered(answer, asked_at, true_at, altered=altered)
        if change:
            stage.answer_to_change(key, answer)
        return answer

    def _judge(self, call: Call) -> None:
        """Judge a change before the first of its batch goes out: the hosts are asked side by side."""
        stage, key = self._stage, self._stage.known.key(call.target.name)
        if isinstance(call.operation, CHANGES):
            judge_request(Asked(key, call.operation, stage.desired, stage.known, stage.clock.now()))
            stage.debts_of(key, call.operation)
            stage.known.asked(key, call.operation)

    def _carried(self, call: Call, key: str, change: bool) -> tuple[Answer, bool]:
        luck = self._stage.streams.of("network", key)
        fault = self._stage.fault(luck, CALL_FAULTS)
        if fault is None:
            return self._told(call, key, luck)
        self._stage.log.add("fault", f"{key} {fault}")
        if fault == "slow-host":
            self._stage.timeline.sleep(luck.choice((5, 60, 400)))
            return self._told(call, key, luck)
        if fault == "connection-refused":
            return _failed(call, FailureKind.UNREACHABLE), False
        if fault == "hang":
            self._stage.timeline.sleep(luck.choice((30, 120)))
            return _failed(call, FailureKind.UNKNOWN if change else FailureKind.UNREACHABLE), False
        if not change:
            return _failed(call, FailureKind.GARBLED), False
        if fault == "lost-reply":
            self._hosts.ask([call])
        elif fault == "late-request":
            self._stage.known.disturb()
            self._stage.timeline.after(luck.uniform(5, 90), lambda: self._late(call))
        return _failed(call, FailureKind.UNKNOWN), False

    def _late(self, call: Call) -> None:
        (answer,) = self._hosts.ask([call])
        self._stage.log.add("late", f"{_short(call)} -> {_told(answer)}")
        if isinstance(call.operation, RemoveClusterRole):
            # The role was seen to be on meanwhile, so that nobody owes it any more, nor what it had set.
            self._stage.excused_roles.add(call.operation.machine_id)
        self._stage.known.disturb()

    # -- surveys that do not tell the truth

    def _told(self, call: Call, key: str, luck: Any) -> tuple[Answer, bool]:
        (answer,) = self._hosts.ask([call])
        if not isinstance(call.operation, Survey) or not isinstance(answer.value, HostReport):
            return answer, False
        handed = self._handed_over(answer.value, key)
        if handed is not None:
            return replace(answer, value=handed), True
        fault = self._stage.fault(luck, ANSWER_FAULTS)
        before = self._stage.last_reports.get(key)
        self._stage.last_reports[key] = answer.value
        if fault == "stale-answer" and before is not None:
            self._stage.log.add("fault", f"{key} {fault}")
            return replace(answer, value=before), True
        if fault == "partial-answer" or key in self._stage.partial:
            fault = "partial-answer"
            self._stage.log.add("fault", f"{key} {fault}")
            return replace(answer, value=_partial(answer.value, luck)), True
        return answer, False

    def _handed_over(self, report: HostReport, key: str) -> HostReport | None:
        """Around the end of a migration, show the machine on both hosts, or on neither; the same answer for both ends."""
        stage = self._stage
        if "hand-over" not in stage.faults:
            return None
        for event in stage.recent:
            age = (stage.timeline.now() - event.time).total_seconds()
            if event.kind is EventKind.MIGRATION_COMPLETED and age < HAND_OVER_SECONDS and event.detail["destination"]:
                both = stage.streams.of("hand-over", event.detail["migration"]).random() < 0.5 if age < 20 else None
                ends = (stage.known.key(event.host or ""), stage.known.key(event.detail["destination"]))
                if both is not None and key in ends:
                    return _seen(report, event.vm or "", self._stage, both)
        return None


def _seen(report: HostReport, machine: str, stage: Stage, both: bool) -> HostReport:
    host = report.host
    others = tuple(vm for vm in host.virtual_machines if vm.id != machine)
    copies = [vm for _, vm in stage.world.observation().machines() if vm.id == machine]
    changes = {"virtual_machines": (*others, *(copies if both else ()))}
    return replace(report, host=host.model_copy(update=changes))


def _partial(report: HostReport, luck: Any) -> HostReport:
    kept = tuple(vm for vm in report.host.virtual_machines if luck.random() < 0.7)
    changes = {"status": HostStatus.PARTIAL, "problem": "the list of machines broke off", "virtual_machines": kept}
    return replace(report, host=report.host.model_copy(update=changes))


def _failed(call: Call, kind: FailureKind) -> Answer:
    return Answer(call, failure=Failure(kind, f"{call.target.name}: {kind.value}", "look again"))


def _names(calls: Sequence[Call]) -> str:
    return "+".join(dict.fromkeys(type(call.operation).__name__ for call in calls))


def _short(call: Call) -> str:
    operation = call.operation
    parts = (getattr(operation, name, None) for name in ("machine_id", "kind", "destination", "settings"))
    return " ".join([type(operation).__name__, *(str(part) for part in parts if part)])


def _told(answer: Answer) -> str:
    if answer.failure:
        return f"{answer.failure.kind.value}: {answer.failure.finding}"
    if isinstance(answer.value, HostReport):
        return f"{len(answer.value.host.virtual_machines)} machines, {len(answer.value.host.running_migrations)} moving"
    return "ok"
