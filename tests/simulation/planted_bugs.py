"""The planted bugs: each is one textual change to one production file, and what it makes wrong.

The old text must occur exactly once in its file, which a test checks every day, so that the list cannot rot in silence.
``tests.simulation.planting`` switches them on one at a time.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """One planted bug; ``file`` is below ``reconciler/``."""

    name: str
    file: str
    old: str
    new: str


def _bug(name: str, file: str, old: str, new: str) -> Bug:
    return Bug(name, file, old, new)


BUGS: tuple[Bug, ...] = (
    # slots and other counts
    _bug("slots of a host off by one", "decide/limits.py", "elif used >= slots.limit:", "elif used > slots.limit:"),
    _bug(
        "starts of the same pass do not count for slots",
        "decide/limits.py",
        "max(counted + granted, flying)",
        "max(counted, flying - granted)",
    ),
    _bug(
        "storage slots of the same pass do not count",
        "decide/limits.py",
        "traffic.storage[key], traffic.storage_granted[key])",
        "0, 0)",
    ),
    _bug(
        "a lowered limit counts only once the host has it",
        "decide/limits.py",
        "return observed if wanted is None else min(observed, wanted)",
        "return observed",
    ),
    _bug(
        "a lowered cluster limit counts only once the cluster has it",
        "decide/limits.py",
        "min(told, wanted.maximum_parallel_migrations or told) if wanted else told",
        "told",
    ),
    _bug("the fleet's limit off by one", "decide/limits.py", "if used >= limit else None", "if used > limit else None"),
    _bug(
        "the unprotected limit off by one",
        "decide/limits.py",
        "if not flight.is_crossing or len(others) < limit:",
        "if not flight.is_crossing or len(others) <= limit:",
    ),
    _bug(
        "slots are taken at the source only",
        "decide/traffic.py",
        "self.live_granted.update(flight.ends if flight.takes_live_slot else ())",
        "self.live_granted.update((flight.source,) if flight.takes_live_slot else ())",
    ),
    _bug(
        "a migration has only one end",
        "decide/facts.py",
        "return (self.source,) if self.destination in (None, self.source) else (self.source, str(self.destination))",
        "return (self.source,)",
    ),
    _bug(
        "a combined migration takes no live slot",
        "decide/facts.py",
        "return self.kind is not MigrationKind.STORAGE",
        "return self.kind is MigrationKind.LIVE",
    ),
    _bug(
        "a combined migration takes no storage slot",
        "decide/facts.py",
        "copies = self.kind in (MigrationKind.STORAGE, MigrationKind.LIVE_WITH_STORAGE)",
        "copies = self.kind in (MigrationKind.STORAGE,)",
    ),
    _bug(
        "machines that lose their role in this pass do not count as unprotected",
        "decide/traffic.py",
        "self.unprotected.add(flight.machine)",
        "self.unprotected.discard(flight.machine)",
    ),
    _bug(
        "machines that are known to lack their role do not count as unprotected",
        "decide/traffic.py",
        "lacking = {machine.casefold() for machine in facts.memory.unprotected_since}",
        "lacking = set[str]()",
    ),
    # what is known, and how fresh it is
    _bug(
        "freshness is not asked again right before a host is asked",
        "controller/start.py",
        "if abs(self._clock.now() - observation.observed_at) <= limit:",
        "if limit:",
    ),
    _bug(
        "a host that did not answer is taken for one that did",
        "observe/merge.py",
        "status=HostStatus.UNREACHABLE, problem=problem)",
        "problem=problem)",
    ),
    _bug(
        "running migrations are not seen",
        "model/observation.py",
        "return tuple(job for job in self.migrations if job.is_running)",
        "return ()",
    ),
    _bug(
        "a migration that ended in an error is taken for running",
        "model/observation.py",
        '{"Completed", "Terminated", "Killed", "Exception", "CompletedWithWarnings"}',
        '{"Completed", "Terminated", "Killed", "CompletedWithWarnings"}',
    ),
    _bug(
        "a host's partial answer is as good as a full one", "decide/gates.py", 'host.status != "ok":\n', 'host.status == "x":\n'
    ),
    # windows, holds, hands off
    _bug(
        "windows are compared in UTC",
        "decide/windows.py",
        "yield _moment(day, start, zone), _moment(last, end, zone)",
        'yield _moment(day, start, ZoneInfo("UTC")), _moment(last, end, ZoneInfo("UTC"))',
    ),
    _bug("a window never closes", "decide/windows.py", "any(start <= now < end for", "any(start <= now for"),
    _bug(
        "a window that ends after midnight ends on the day it began",
        "decide/windows.py",
        "last = day + timedelta(days=1) if end <= start else day",
        "last = day",
    ),
    _bug("windows gate nothing", "decide/gates.py", "step.migration_kind is None or is_open(", "True or is_open("),
    _bug(
        "a hold without an end holds nothing",
        "model/desired.py",
        "return self.until is None or now < self.until",
        "return self.until is not None and now < self.until",
    ),
    _bug(
        "a hold begins when it should end",
        "model/desired.py",
        "return self.until is None or now < self.until",
        "return self.until is None or now >= self.until",
    ),
    _bug(
        "holds that people place while it runs are not seen",
        "controller/controller.py",
        "return with_holds(staying(desired, holds, stays), holds, now, exempt={*owed, *names})",
        "return desired",
    ),
    # settings
    _bug(
        "settings change under a running migration",
        "decide/gates.py",
        'return Reason("settings-in-use", f"a migration runs on {using[0]}") if using else None',
        "return None",
    ),
    _bug(
        "a migration starts while settings of its host change",
        "decide/gates.py",
        'return Reason("settings-in-use", f"settings of {changing[0]} are being changed") if changing else None',
        "return None",
    ),
    # order and room
    _bug(
        "dependencies are not waited for",
        "decide/start.py",
        "first = next((needed for needed in step.depends_on if needed in pending), None)",
        "first = None",
    ),
    _bug(
        "memory is given twice by the planner",
        "plan/fleet.py",
        "return host.available_memory_mib - (asked.reserve_memory_mib if asked else 0)",
        "return host.available_memory_mib + 8192 - (asked.reserve_memory_mib if asked else 0)",
    ),
    _bug(
        "a machine waits for ever after its first failure",
        "decide/gates.py",
        "attempt.next_try_at <= facts.now",
        "attempt.failures == 0",
    ),
    _bug(
        "the longest pause is a month",
        "decide/backoff.py",
        "LONGEST = timedelta(minutes=30)",
        "LONGEST = timedelta(days=30)",
    ),
    # intents, memory, debts
    _bug(
        "no intent is written",
        "controller/start.py",
        'self._store.append(INTENT, {"step": step.to_json()})',
        "step.to_json()",
    ),
    _bug(
        "intents are written after the effect",
        "controller/start.py",
        """        for step in steps:
            self._store.append(INTENT, {"step": step.to_json()})
        began = {key_of(step): self._clock.now() for step in steps}
        pending = {key_of(step): (step, self._calls(step, desired, observation)) for step in steps}
""",
        """        began = {key_of(step): self._clock.now() for step in steps}
        pending = {key_of(step): (step, self._calls(step, desired, observation)) for step in steps}
        early = [calls[0] for _, calls in pending.values()]
        if early:
            self._hosts.ask(early)
        for step in steps:
            self._store.append(INTENT, {"step": step.to_json()})
""",
    ),
    _bug(
        "the settings of a role are not kept",
        "controller/start.py",
        'self.memory = self.memory.with_role(key, SavedRole(step.leaves_cluster or "", role.settings))',
        "assert role",
    ),
    _bug(
        "the settings of a role are not written down",
        "controller/start.py",
        '"cluster": step.leaves_cluster, "settings": answer.value.settings}',
        '"cluster": step.leaves_cluster, "settings": {}}',
    ),
    _bug(
        "a role is taken off before what it has set is known",
        "controller/commands.py",
        "if isinstance(operations[0], RemoveClusterRole):",
        "if False:",
    ),
    _bug(
        "a role is put back without its settings",
        "controller/commands.py",
        "return AddClusterRole(machine, role_settings)",
        "return AddClusterRole(machine, {})",
    ),
    _bug(
        "saved settings of roles are not recalled after a restart",
        "controller/recall.py",
        'if entry.data.get("settings"):',
        'if entry.data.get("none"):',
    ),
    _bug(
        "a debt that was paid is recalled after a restart",
        "controller/recall.py",
        "elif entry.kind in (ROLE_RESTORED, ROLE_NOT_DUE):",
        "elif entry.kind in (ROLE_NOT_DUE,):",
    ),
    _bug(
        "a debt that is not due is never let go",
        "controller/controller.py",
        "if machine.observed.id.casefold() in owed and not is_due:",
        "if machine.observed.id.casefold() in owed and is_due is None:",
    ),
    _bug(
        "a debt is not remembered",
        "controller/start.py",
        "self.memory = self.memory.with_unprotected(key, now)",
        "pass",
    ),
    # migrations
    _bug("a role is not taken off before its machine leaves", "controller/commands.py", "if step.is_crossing:", "if False:"),
    _bug(
        "only the first file of a machine moves along",
        "controller/commands.py",
        "return StartMigration(machine, kind, destination, step.storage, step.performance_option)",
        "return StartMigration(machine, kind, destination, step.storage[:1], step.performance_option)",
    ),
    _bug("a machine seen twice has arrived", "controller/verify.py", "if arrived and not elsewhere:", "if arrived:"),
    _bug(
        "a machine is done as soon as its migration is seen to run",
        "controller/verify.py",
        'return Judgement(Verdict.RUNNING, f"{running.percent or 0} %", running)',
        "return Judgement(Verdict.DONE)",
    ),
    # what differs, and what of it is seen
    _bug(
        "maintenance empties nothing",
        "diff/machines.py",
        "return wanted is not None and wanted.maintenance",
        "return wanted is None",
    ),
    _bug(
        "a role that nobody wants stays",
        "diff/machines.py",
        "if self._machine.high_availability is False and observed.highly_available:",
        "if self._machine.high_availability == 0 and observed.highly_available is None:",
    ),
    _bug(
        "a role that somebody took off is not missed",
        "diff/machines.py",
        "if self._machine.high_availability and not observed.highly_available:",
        "if self._machine.high_availability is False and not observed.highly_available:",
    ),
    _bug(
        "files in another folder are not seen",
        "diff/machines.py",
        "elif not paths.is_within(paths.folder_of(file.path) if file.is_disk else file.path, asked[0]):",
        "elif not file.path:",
    ),
    _bug(
        "any host will do",
        "diff/machines.py",
        "return placement is None or placement.allows(host)",
        "return placement is None or bool(host)",
    ),
    # what the simulation found first, planted again
    _bug(
        "a machine seen twice counts for rules only where it was seen last",
        "plan/rules.py",
        "others = members[name].hosts if name in members else ()",
        "others = ()",
    ),
    _bug(
        "a migration that nobody wants does not count for rules where it leads",
        "plan/rules.py",
        "((drift.destination,) if drift.destination else ())",
        "((drift.destination,) if drift.destination and drift.status is MachineStatus.MOVING else ())",
    ),
    _bug(
        "a role is taken off a second time after a hop",
        "plan/steps.py",
        "if move.drift.role is RoleChange.REMOVE and move.id in made.roles:",
        "if False:",
    ),
    # what is told
    _bug(
        "the exit code says done while steps are left",
        "controller/run.py",
        'return ExitCode.PARTLY, "some steps could not be carried out now"',
        'return ExitCode.DONE, "some steps could not be carried out now"',
    ),
    _bug(
        "the text does not tell what was not done",
        "report/apply.py",
        "list(_outcome_lines(report.in_state(*NOT_DONE), width))",
        "list(_outcome_lines(report.in_state(OutcomeState.FAILED), width))",
    ),
)
