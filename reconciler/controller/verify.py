"""Whether a step has done what it promised, judged purely from an observation. A return code never counts as success.

The judge is careful in one direction: only a machine seen where it should be, as it should be, is done; only a machine seen
where it was, with no migration running, has failed; anything else is still on its way or cannot be told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.model import paths
from reconciler.model.observation import Host, Migration, Observation, VirtualMachine
from reconciler.model.plan import MachineStep, SettingsStep, Step, StorageMove
from reconciler.model.words import Action, HostStatus


class Verdict(StrEnum):
    """What an observation says about a step that was started."""

    DONE = "done"
    RUNNING = "running"
    NOT_DONE = "not done"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the facts behind it; ``migration`` is the machine's job: the one that runs, else the last that ended."""

    verdict: Verdict
    detail: str = ""
    migration: Migration | None = None


def judge(step: Step, state_before: str | None, observation: Observation) -> Judgement:
    """Judge one started step. ``state_before`` is the machine's VMState name when the step was started."""
    if isinstance(step, SettingsStep):
        return _judge_settings(step, observation)
    sightings = [(host, vm) for host, vm in observation.machines() if vm.id.casefold() == step.virtual_machine.id.casefold()]
    if step.migration_kind is None:
        return _judge_power_or_role(step, sightings, observation)
    return _judge_migration(step, state_before, sightings, observation)


def _judge_settings(step: SettingsStep, observation: Observation) -> Judgement:
    known = observation.host(step.host) if step.host else observation.cluster(step.cluster or "")
    if known is None or (isinstance(known, Host) and known.status is HostStatus.UNREACHABLE):
        return Judgement(Verdict.CANNOT_TELL, f"{step.subject} did not answer")
    facts = known.to_json()
    left = [change.field for change in step.settings if not _equal(_at(facts, change.field), change.target)]
    if left:
        return Judgement(Verdict.NOT_DONE, f"still different: {', '.join(left)}")
    return Judgement(Verdict.DONE)


def _at(facts: dict[str, Any], field: str) -> Any:
    value: Any = facts
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _equal(observed: Any, wanted: Any) -> bool:
    if isinstance(observed, str) and isinstance(wanted, str) and "\\" in wanted:
        return paths.same(observed, wanted)
    if isinstance(wanted, (list, tuple)):
        return isinstance(observed, (list, tuple)) and list(observed) == list(wanted)
    return bool(observed == wanted)


def _judge_power_or_role(
    step: MachineStep, sightings: Sequence[tuple[Host, VirtualMachine]], observation: Observation
) -> Judgement:
    if not sightings:
        return Judgement(Verdict.CANNOT_TELL, _nowhere(observation))
    _, machine = sightings[0]
    wanted, seen = {
        Action.START_VIRTUAL_MACHINE: ("Running", machine.state),
        Action.ADD_CLUSTER_ROLE: (True, machine.highly_available),
        Action.REMOVE_CLUSTER_ROLE: (False, machine.highly_available),
    }[step.action]
    if seen is None:
        return Judgement(Verdict.CANNOT_TELL, "the host does not say")
    return Judgement(Verdict.DONE) if seen == wanted else Judgement(Verdict.NOT_DONE, f"the host still says {seen}")


def _judge_migration(
    step: MachineStep,
    state_before: str | None,
    sightings: Sequence[tuple[Host, VirtualMachine]],
    observation: Observation,
) -> Judgement:
    running = _running_job(step, observation)
    if running:
        return Judgement(Verdict.RUNNING, f"{running.percent or 0} %", running)
    goal = (step.destination or step.source).casefold()
    arrived = [machine for host, machine in sightings if host.name.casefold() == goal]
    elsewhere = [host.name for host, _ in sightings if host.name.casefold() != goal]
    if arrived and not elsewhere:
        return _judge_arrival(step, state_before, arrived[0], observation)
    if arrived:
        return Judgement(Verdict.CANNOT_TELL, f"seen on {goal} and on {', '.join(elsewhere)} at once: being handed over")
    if elsewhere:
        ended = _last_ended(step, observation)
        detail = _why_ended(ended) or f"no migration runs; it is still on {elsewhere[0]}"
        return Judgement(Verdict.NOT_DONE, detail, ended)
    return Judgement(Verdict.CANNOT_TELL, _nowhere(observation))


def _judge_arrival(step: MachineStep, state_before: str | None, machine: VirtualMachine, observation: Observation) -> Judgement:
    if machine.operation:
        return Judgement(Verdict.CANNOT_TELL, f"busy: {machine.operation}")
    astray = [move.file for move in step.storage if not _lies_at(machine, move)]
    if astray:
        ended = _last_ended(step, observation)
        why = _why_ended(ended) or "no migration runs"
        return Judgement(Verdict.NOT_DONE, f"{why}; not at their place: {', '.join(astray)}", ended)
    if machine.state != state_before:
        return Judgement(Verdict.NOT_DONE, f"arrived, but it is {machine.state} and was {state_before}")
    return Judgement(Verdict.DONE)


def _lies_at(machine: VirtualMachine, move: StorageMove) -> bool:
    folders = {
        "configuration": machine.configuration_path,
        "checkpoints": machine.checkpoint_path,
        "smartPaging": machine.smart_paging_path,
    }
    if move.file in folders:
        folder = folders[move.file]
        return folder is not None and paths.is_within(folder, move.target)
    return any(disk.path is not None and paths.same(disk.path, move.target) for disk in machine.disks)


def _jobs(step: MachineStep, observation: Observation) -> list[Migration]:
    machine = step.virtual_machine.id.casefold()
    return [job for host in observation.hosts for job in host.migrations if job.virtual_machine.casefold() == machine]


def _running_job(step: MachineStep, observation: Observation) -> Migration | None:
    return next((job for job in _jobs(step, observation) if job.is_running), None)


def _last_ended(step: MachineStep, observation: Observation) -> Migration | None:
    """Return the machine's last job that did not complete; hosts keep those for about five minutes."""
    ended = [job for job in _jobs(step, observation) if not job.is_running and job.state != "Completed"]
    return max(ended, key=lambda job: (job.started_at is not None, job.started_at, job.id), default=None)


def _why_ended(job: Migration | None) -> str | None:
    if job is None:
        return None
    code = f" (0x{job.error_code & 0xFFFFFFFF:08X})" if job.error_code else ""
    return f"the migration ended as {job.state}{code}{': ' + job.error if job.error else ''}"


def _nowhere(observation: Observation) -> str:
    silent = [host.name for host in observation.hosts if host.status is not HostStatus.OK]
    return f"seen on no host; no full answer from {', '.join(silent)}" if silent else "seen on no host at this moment"
