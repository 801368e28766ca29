"""What the controller says, held against what it can know: outcomes, reports, exit codes, and the same story in every form."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from reconciler.decide import Waiting
from reconciler.model import paths
from reconciler.model.desired import Desired, VirtualMachine
from reconciler.model.exit_codes import ExitCode
from reconciler.model.observation import VirtualMachine as Seen
from reconciler.model.progress import ApplyReport, OutcomeState
from reconciler.report import apply_json, apply_markdown, apply_text
from reconciler.simulation.checker.knowledge import Knowledge
from reconciler.simulation.checker.violation import Violation


def judge_outcome(data: dict[str, Any], known: Knowledge) -> None:
    """A migration is done only where the machine has been seen at its destination, and there alone."""
    machine, goal = data.get("id"), str(data.get("destination") or data.get("source"))
    if data["state"] != "done" or machine is None or "Migration" not in data["action"]:
        return
    seen = [key for key, _ in known.sightings(machine)]
    if seen != [known.key(goal)]:
        raise Violation("S15", f"{data['subject']} is reported done on {goal}, and was seen on {seen}")


def judge_pass(waiting: Iterable[Waiting], now: datetime) -> None:
    """Whatever waits has a reason, and a time that is not over where it has one."""
    for row in waiting:
        if not row.code or not row.finding:
            raise Violation("L4", f"{row.subject} waits without a reason")
        if row.until is not None and row.until <= now:
            raise Violation("L4", f"{row.subject} waits for {row.until.isoformat()}, which is over: {row.finding}")


def judge_report(report: ApplyReport, desired: Desired, known: Knowledge) -> None:
    """Text, JSON and exit code tell one story, and it is what was seen; nothing waits without a reason."""
    data, text, markdown = apply_json(report), apply_text(report), apply_markdown(report)
    if data["exitCode"] != report.exit_code or f"Exit {report.exit_code}:" not in text:
        raise Violation("S15", f"exit code {report.exit_code} is told otherwise")
    for outcome in report.outcomes:
        name = outcome.subject.partition("/")[2]
        if name not in text or name not in markdown:
            raise Violation("S15", f"{outcome.subject} is in the JSON and not in the text")
        if outcome.state in (OutcomeState.WAITING, OutcomeState.FAILED) and not outcome.detail:
            raise Violation("L4", f"{outcome.subject} is {outcome.state.value} without a reason")
    states = [row["state"] for row in data["outcomes"]]
    if report.exit_code == ExitCode.DONE and {"waiting", "running"} & set(states):
        raise Violation("S15", "the exit code says done, and steps are left")
    if report.exit_code == ExitCode.DONE:
        _everything_in_place(desired, known)


def _everything_in_place(desired: Desired, known: Knowledge) -> None:
    if not known.all_answered():
        raise Violation("S15", "the exit code says done, and not every host answered")
    wrong = misplaced(desired, known)
    if wrong:
        raise Violation("S15", f"the exit code says done, and {wrong[0]}")


def misplaced(desired: Desired, known: Knowledge) -> list[str]:
    """Return a sentence for every machine that was seen to be other than wanted, of those that are to be corrected."""
    found = []
    for wish in desired.virtual_machines:
        seen = known.sightings(wish.id or "")
        if wish.drift != "correct" or wish.hold is not None:
            continue
        if len(seen) != 1:
            found.append(f"{wish.name} is seen on {len(seen)} hosts")
        else:
            found += _differences(wish, seen[0], desired, known)
    return found


def _differences(wish: VirtualMachine, seen: tuple[str, Seen], desired: Desired, known: Knowledge) -> list[str]:
    key, machine = seen
    found = []
    allowed = {name.casefold() for name in wish.placement.hosts} if wish.placement else {key}
    host = desired.host(key)
    if key not in allowed or (host is not None and host.maintenance):
        found.append(f"{wish.name} is on {key} and wanted on {', '.join(sorted(allowed))}")
    folder = wish.storage.path
    if folder and any(disk.path and not paths.is_within(disk.path, folder) for disk in machine.disks):
        found.append(f"{wish.name} has files outside {folder}")
    if known.cluster_of(key) and wish.high_availability is not None and machine.highly_available is not wish.high_availability:
        found.append(f"{wish.name} is to be highly available: {wish.high_availability}, and is not so")
    return found
