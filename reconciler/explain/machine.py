"""One machine explained: where it is, what is asked and by which line, where it may be, what is planned, what would help."""

from collections.abc import Iterator

from reconciler.explain.advice import advice_for
from reconciler.explain.options import options_of
from reconciler.explain.rules import mates_of, rules_of
from reconciler.explain.scene import Scene
from reconciler.explain.subjects import MachineSubject
from reconciler.model.desired import VirtualMachine as Wanted
from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.explanation import Asked, FileFact, HostOption, LastFailure, MachineExplanation, StepStart, Verdict
from reconciler.model.machine_files import files_of
from reconciler.model.plan import Blocked, MachineStep
from reconciler.model.words import Action, Handling, MigrationKind, RuleType, WhenOff

UNMANAGED = "unmanaged"


def explain_machine(scene: Scene, subject: MachineSubject) -> MachineExplanation:
    """Return all there is to say about one machine, managed or not."""
    drift, observed = subject.drift, subject.observed
    name = drift.machine.name if drift else observed.name if observed else ""
    steps = scene.steps_of(observed.id) if observed else ()
    blocked = _blocked(scene, subject)
    options = options_of(scene, drift) if drift else ()
    starts = tuple(_start(scene, step) for step in steps)
    return MachineExplanation(
        name=name,
        id=observed.id if observed else drift.machine.id if drift else None,
        managed=drift is not None,
        because=str(drift.machine.source.place) if drift else None,
        answer=_answer(scene, subject, steps, blocked, starts),
        status=drift.status.value if drift else UNMANAGED,
        host=subject.host.name if subject.host else None,
        observed=observed,
        in_place=_in_place(drift),
        files=tuple(_files(subject)),
        asked=tuple(_asked(scene, drift.machine)) if drift else tuple(_rules(scene, name)),
        options=options,
        other_hosts=_other_hosts(scene, options) if options and drift and drift.machine.placement else 0,
        steps=steps,
        starts=starts,
        migration=drift.migration if drift else None,
        last_failure=_last_failure(scene, observed.id) if observed else None,
        blocked=blocked,
        unblock=(*_hold_ends(drift), *_unknown_ends(scene, drift), *_unblock(blocked, starts, options)),
    )


def _blocked(scene: Scene, subject: MachineSubject) -> tuple[Blocked, ...]:
    """Entries of the plan for this machine, and for rules that name it."""
    if subject.drift is None:
        return ()
    mine = subject.drift.subject.casefold()
    rules = {f"placementrule/{rule.name}".casefold() for rule in rules_of(scene, subject.drift.machine.name)}
    ids = {None, subject.observed.id if subject.observed else None, subject.drift.machine.id}
    found = [one for one in scene.plan.blocked if one.subject.casefold() == mine and one.id in ids]
    return (*found, *(one for one in scene.plan.blocked if one.subject.casefold() in rules))


def _last_failure(scene: Scene, machine_id: str) -> LastFailure | None:
    attempt = scene.memory.attempts.get(machine_id.casefold())
    if attempt is None:
        return None
    return LastFailure(
        failures=max(1, attempt.failures),
        at=attempt.last_failed_at,
        finding=attempt.last_error,
        cause=attempt.cause.value,
        remedy=attempt.remedy,
        next_try_at=attempt.next_try_at,
    )


def _in_place(drift: MachineDrift | None) -> bool | None:
    if drift is None or drift.observed is None or drift.status is MachineStatus.UNKNOWN:
        return None
    return not drift.wrong_host and not drift.files


def _answer(
    scene: Scene,
    subject: MachineSubject,
    steps: tuple[MachineStep, ...],
    blocked: tuple[Blocked, ...],
    starts: tuple[StepStart, ...],
) -> str:
    drift = subject.drift
    if drift is None:
        host = subject.host.name if subject.host else "an unknown host"
        return f"Not managed: it is on {host}, and no document names it, so nothing is ever done to it."
    if drift.observed is None or drift.host is None:
        return f"{_capital(drift.status.value)}: {drift.finding}."
    if drift.handling is not Handling.CORRECT and drift.differs:
        return f"On {drift.host}, not as committed, and left alone: {_hands_off(drift)}."
    if drift.status is MachineStatus.MOVING:
        percent = f" ({drift.migration.percent} % done)" if drift.migration and drift.migration.percent is not None else ""
        return f"On its way from {drift.host} to {_target(drift)}, as committed{percent}."
    if drift.status in (MachineStatus.UNKNOWN, MachineStatus.FOREIGN):
        return f"On {drift.host}; {drift.finding}. Nothing is planned for it meanwhile."
    return _answer_by_plan(scene, drift, drift.host, steps, blocked, starts)


def _answer_by_plan(
    scene: Scene,
    drift: MachineDrift,
    host: str,
    steps: tuple[MachineStep, ...],
    blocked: tuple[Blocked, ...],
    starts: tuple[StepStart, ...],
) -> str:
    if steps:
        end = scene.end_of(steps[0].virtual_machine.id)
        what = f"moves to {end}" if end else f"stays there while {_done_in_place(steps)}"
        now = "can start now" if any(start.may_start for start in starts) else "waits"
        return f"On {host}, and {what} by {', '.join(step.id for step in steps)}, which {now}."
    if blocked:
        return f"On {host}, and blocked ({blocked[0].code}): {blocked[0].finding}."
    return f"On {host}, in place." if not drift.differs else f"On {host}; what differs is left for a later plan."


def _done_in_place(steps: tuple[MachineStep, ...]) -> str:
    if any(step.action is Action.STORAGE_MIGRATION for step in steps):
        return "its files move"
    return "its high availability is put right"


def _hands_off(drift: MachineDrift) -> str:
    hold = drift.machine.hold
    if drift.handling is Handling.HOLD and hold is not None:
        return hold.words
    return f"its drift is set to {drift.handling.value}"


def _target(drift: MachineDrift) -> str:
    same = drift.destination is None or drift.destination == drift.host
    return "the folder asked for" if same else str(drift.destination)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _files(subject: MachineSubject) -> Iterator[FileFact]:
    if subject.observed is None:
        return
    out = {(one.file, one.path): one for one in subject.drift.files} if subject.drift else {}
    for file in files_of(subject.observed):
        drifted = out.get((file.file, file.path or ""))
        because = str(subject.drift.machine.source.of(drifted.field)) if subject.drift and drifted else None
        folder = drifted.folder if drifted else None
        size = file.bytes if file.is_disk else None
        yield FileFact(file=file.file, path=file.path, bytes=size, belongs_in=folder, because=because)


def _asked(scene: Scene, machine: Wanted) -> Iterator[Asked]:
    """What the document asks for beyond the defaults, each with its line; then the rules that name the machine."""

    def ask(field: str, value: object) -> Asked:
        placed = machine.hold.placed_at if field == "hold" and machine.hold else None
        because = f"reconciler hold, {placed:%Y-%m-%d %H:%MZ}" if placed else str(machine.source.of(field))
        return Asked(field=field, value=value, because=because)

    placement = machine.placement
    if placement is not None:
        hosts = sorted({name.casefold(): name for name in placement.hosts}.values(), key=str.casefold)
        yield ask(f"placement.{placement.field}", hosts[0] if placement.field == "host" and hosts else hosts)
        if placement.prefer:
            yield ask("placement.prefer", list(placement.prefer))
    yield from (ask(field, value) for field, value in _storage(machine))
    if machine.high_availability is not None:
        yield ask("highAvailability", machine.high_availability)
    yield from (ask(field, value) for field, value in _habits(machine))
    yield from _rules(scene, machine.name)


def _storage(machine: Wanted) -> Iterator[tuple[str, object]]:
    where = machine.storage
    given = {
        "storage.path": where.path,
        "storage.configurationPath": where.configuration_path,
        "storage.checkpointPath": where.checkpoint_path,
        "storage.smartPagingPath": where.smart_paging_path,
    }
    yield from ((field, path) for field, path in given.items() if path is not None)
    yield from (("storage.disks", f"{disk.file} in {disk.path}") for disk in where.disks)


def _habits(machine: Wanted) -> Iterator[tuple[str, object]]:
    how = machine.migration
    if how.performance_option is not None:
        yield "migration.performanceOption", how.performance_option.value
    if how.when_off is not WhenOff.MOVE:
        yield "migration.whenOff", how.when_off.value
    if how.allow != frozenset(MigrationKind):
        yield "migration.allow", sorted(kind.value for kind in how.allow)
    if how.maximum_unprotected_seconds is not None:
        yield "migration.maximumUnprotectedSeconds", how.maximum_unprotected_seconds
    if machine.drift is not Handling.CORRECT:
        yield "drift", machine.drift.value
    if machine.hold is not None:
        until = f", until {machine.hold.until:%Y-%m-%d %H:%MZ}" if machine.hold.until else ""
        yield "hold", f"{machine.hold.reason} ({machine.hold.owner}{until})"


def _rules(scene: Scene, name: str) -> Iterator[Asked]:
    for rule in rules_of(scene, name):
        wish = "apart from" if rule.type is RuleType.ANTI_AFFINITY else "together with"
        value = f"{rule.enforcement.value}: {wish} {', '.join(mates_of(rule, name)) or 'nobody'}, by {rule.topology}"
        yield Asked(field=f"placementRule/{rule.name}", value=value, because=str(rule.source.place))


def _other_hosts(scene: Scene, options: tuple[HostOption, ...]) -> int:
    judged = {option.host.casefold() for option in options}
    return sum(1 for host in scene.desired.hosts if host.name.casefold() not in judged)


def _start(scene: Scene, step: MachineStep) -> StepStart:
    waiting = scene.waiting.get(step.id)
    after = tuple(_after(scene, step, before) for before in step.depends_on)
    if waiting is None:
        return StepStart(step_id=step.id, may_start=True, after=after)
    return StepStart(
        step_id=step.id, may_start=False, code=waiting.code, finding=waiting.finding, until=waiting.until, after=after
    )


def _after(scene: Scene, step: MachineStep, before: str) -> str:
    why = step.dependency_reasons.get(before)
    return f"{before} ({scene.step_subjects.get(before, '?')})" + (f": {why}" if why else "")


def _hold_ends(drift: MachineDrift | None) -> tuple[str, ...]:
    if drift is None or not drift.differs or drift.handling is Handling.CORRECT:
        return ()
    hold = drift.machine.hold
    if drift.handling is Handling.HOLD and hold is not None:
        end = f", or wait until {hold.until:%Y-%m-%d %H:%MZ}" if hold.until else ""
        where = f"reconciler release {drift.machine.name}" if hold.placed_at else str(drift.machine.source.of("hold"))
        return (f"ask {hold.owner} to release the hold ({where}){end}",)
    return (f"set drift: correct for the machine ({drift.machine.source.of('drift')})",)


def _unknown_ends(scene: Scene, drift: MachineDrift | None) -> tuple[str, ...]:
    if drift is None or drift.status is not MachineStatus.UNKNOWN:
        return ()
    problems = [one for one in scene.drift.problems if one.subject.startswith("host/") or one.subject == drift.subject]
    return tuple(f"{one.subject.partition('/')[2]}: {one.finding}; {one.remedy}" for one in problems)


def _unblock(blocked: tuple[Blocked, ...], starts: tuple[StepStart, ...], options: tuple[HostOption, ...]) -> tuple[str, ...]:
    """What would help: the plan's remedies, what each wait ends with, and for a blocked machine a remedy for each host."""
    found = [one.remedy for one in blocked]
    found += [advice for start in starts if (advice := advice_for(start))]
    if blocked:
        refused = [option for option in options if option.verdict is Verdict.REFUSED]
        remedies = ((option.host, reason.remedy) for option in refused for reason in option.reasons if reason.remedy)
        found += [f"{host}: {remedy}" for host, remedy in remedies if remedy not in found]
    return tuple(dict.fromkeys(found))
