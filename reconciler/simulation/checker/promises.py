"""What the controller says, held against what it can know: outcomes, reports, exit codes, and the same story in every form."""

from datetime import datetime, timedelta
from typing import Any

from reconciler.controller import PassResult
from reconciler.decide import Waiting
from reconciler.model import paths
from reconciler.model.desired import Desired, VirtualMachine
from reconciler.model.exit_codes import ExitCode
from reconciler.model.observation import VirtualMachine as Seen
from reconciler.model.plan import MachineStep
from reconciler.model.progress import ApplyReport, OutcomeState
from reconciler.report import apply_json, apply_markdown, apply_text
from reconciler.simulation.checker.knowledge import Knowledge
from reconciler.simulation.checker.violation import Violation

WIDE = 240  # columns: on a narrow screen long names are cut in the middle
LONGEST_PAUSE = timedelta(minutes=31)  # half an hour after the longest run of failures, and the time that a pass takes


def judge_outcome(data: dict[str, Any], known: Knowledge) -> None:
    """A migration is done only where the machine has been seen at its destination, and there alone."""
    machine, goal = data.get("id"), str(data.get("destination") or data.get("source"))
    if data["state"] != "done" or machine is None or "Migration" not in data["action"]:
        return
    seen = [key for key, _ in known.sightings(machine)]
    if seen != [known.key(goal)]:
        raise Violation("S15", f"{data['subject']} is reported done on {goal}, and was seen on {seen}")


def judge_pass(result: PassResult, desired: Desired, known: Knowledge, now: datetime, *, clock_jumps: bool) -> None:
    """What one pass did and said: in the order that its plan tells, about what was seen, with reasons that are so."""
    _keeps_the_order(result)
    for drift in result.thought.drift.machines:
        if drift.migration is not None and not known.lists(drift.migration.id):
            raise Violation("S15", f"{drift.subject} is told to be on its way, and no host lists such a migration")
    lacking = _lacking_their_role(result, desired, known)
    for row in result.decision.waiting:
        finding = _false_reason(row, desired, lacking, now, clock_jumps=clock_jumps)
        if finding:
            raise Violation("L4", f"{row.subject} waits {finding}")


def _keeps_the_order(result: PassResult) -> None:
    planned = {step.id for step in result.thought.plan.steps}
    for step in result.started:
        before = sorted(planned & set(step.depends_on))
        if before:
            raise Violation("S15", f"{step.subject} is started, and its plan says that {before[0]} comes first")


def _false_reason(row: Waiting, desired: Desired, lacking: set[str], now: datetime, *, clock_jumps: bool) -> str | None:
    """Whatever waits has a reason that is so, and a time that is neither over nor further off than anything may wait."""
    if not row.code or not row.finding:
        return "without a reason"
    if row.until is not None and row.until <= now:
        return f"for {row.until.isoformat()}, which is over: {row.finding}"
    backs_off = row.code in ("backing-off", "blocked-by-host") and row.until is not None and not clock_jumps
    if backs_off and row.until is not None and row.until - now > LONGEST_PAUSE:
        return f"until {row.until.isoformat()}, longer than anything is left alone after a failure: {row.finding}"
    limit = desired.policy.limits.unprotected_virtual_machines
    if row.code == "unprotected-limit" and len(lacking) < limit:
        return f"for machines that lack their role, and {len(lacking)} do: {row.finding}"
    return None


def _lacking_their_role(result: PassResult, desired: Desired, known: Knowledge) -> set[str]:
    """Machines that may lack a role by all that was seen, asked for or written down."""
    wishes = {one.id for one in desired.virtual_machines if one.high_availability}
    lacking = {
        machine.id
        for told in known.told.values()
        for machine in told.report.host.virtual_machines
        if told.report.host.cluster and machine.id in wishes and machine.highly_available is not True
    }
    leaving = {step.virtual_machine.id for step in result.started if isinstance(step, MachineStep) and step.is_crossing}
    return lacking | leaving | known.owed_by(desired) | known.written_debts


def judge_report(report: ApplyReport, desired: Desired, known: Knowledge) -> None:
    """Text, JSON and exit code tell one story, and it is what was seen; nothing waits without a reason."""
    data, text, markdown = apply_json(report), apply_text(report, WIDE), apply_markdown(report)
    if data["exitCode"] != report.exit_code or f"Exit {report.exit_code}:" not in text:
        raise Violation("S15", f"exit code {report.exit_code} is told otherwise")
    flat = _flat(text)
    for outcome in report.outcomes:
        name = outcome.subject.partition("/")[2]
        if name not in text or name not in markdown:
            raise Violation("S15", f"{outcome.subject} is in the JSON and not in the text")
        if outcome.state is not OutcomeState.DONE and _flat(outcome.detail) not in flat:
            raise Violation("S15", f"the text does not say of {outcome.subject} what the JSON says: {outcome.detail}")
        if outcome.state in (OutcomeState.WAITING, OutcomeState.FAILED) and not outcome.detail:
            raise Violation("L4", f"{outcome.subject} is {outcome.state.value} without a reason")
    states = [row["state"] for row in data["outcomes"]]
    if report.exit_code == ExitCode.DONE and {"waiting", "running"} & set(states):
        raise Violation("S15", "the exit code says done, and steps are left")
    if report.exit_code == ExitCode.DONE:
        _everything_in_place(desired, known)


def _flat(text: str) -> str:
    """The words of a text, wherever its lines break."""
    return " ".join(text.split())


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
        if wish.drift != "correct" or wish.hold is not None or wish.id in known.holds.keys() | known.holds_before_look:
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
