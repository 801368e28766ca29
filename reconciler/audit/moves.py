"""Each machine step by itself: may this machine be touched, is it where the step begins, and is this the right kind of move."""

from collections.abc import Iterator
from itertools import pairwise

from reconciler.audit.case import FOLDERS, LIVE_KINDS, Case, Stand, migrates_host, problem
from reconciler.audit.reach import stays_reachable
from reconciler.model import paths
from reconciler.model.desired import VirtualMachine as Managed
from reconciler.model.plan import MachineStep, StorageMove
from reconciler.model.problem import Problem
from reconciler.model.words import Action, MigrationKind


def check(case: Case) -> Iterator[Problem]:
    """Replay the steps of each machine one after the other."""
    for steps in case.chains.values():
        yield from _one_mover(steps, case)
    for step in case.machine_steps:
        yield from _may_touch(step, case)
        stand = case.stands.get(step.id)
        if stand is not None:
            yield from _from_here(step, stand)
            yield from _kind(step, stand, case)
            yield from _files(step, stand, case)
            yield from _role(step, stand, case)


def _one_mover(steps: tuple[MachineStep, ...], case: Case) -> Iterator[Problem]:
    for first, second in pairwise(steps):
        if not case.is_before(first, second):
            yield problem("two-movers", first.subject, f"steps {first.id} and {second.id} may run at the same time")


def _may_touch(step: MachineStep, case: Case) -> Iterator[Problem]:
    machine_id = step.virtual_machine.id.casefold()
    wanted, places = case.managed.get(machine_id), case.seen.get(machine_id, [])
    if len(places) != 1:
        finding = "the machine is not seen anywhere" if not places else "the machine is seen on more than one host"
        yield problem("unknown-machine", step.subject, finding)
    elif places[0][0].status == "unreachable":
        yield problem("unknown-machine", step.subject, f"{places[0][0].name} does not answer")
    if machine_id in case.jobs:
        yield problem("migrating", step.subject, "somebody migrates this machine now")
    if wanted is None:
        yield problem("hands-off", step.subject, "the desired state names no such machine")
    elif _is_held(wanted, case) or wanted.drift != "correct":
        yield problem("hands-off", step.subject, "the machine is held, or its drift is only reported or ignored")


def _is_held(wanted: Managed, case: Case) -> bool:
    hold = wanted.hold
    return hold is not None and (hold.until is None or hold.until > case.plan.observation.observed_at)


def _from_here(step: MachineStep, stand: Stand) -> Iterator[Problem]:
    if step.source.casefold() != stand.host:
        yield problem("source", step.subject, f"step {step.id} begins on {step.source}, the machine is on {stand.host}")


def _kind(step: MachineStep, stand: Stand, case: Case) -> Iterator[Problem]:
    kind, wanted = step.migration_kind, case.managed.get(step.virtual_machine.id.casefold())
    if kind is None:
        yield from _start(step, stand, case)
        return
    if wanted is not None and kind not in wanted.migration.allow:
        yield problem("kind-not-allowed", step.subject, f"{kind.value} is not among the kinds that the machine allows")
    if (kind is not MigrationKind.STORAGE) != migrates_host(step):
        yield problem("kind", step.subject, f"step {step.id} is {kind.value}, but goes to {step.destination}")
    wants_files = kind in (MigrationKind.STORAGE, MigrationKind.LIVE_WITH_STORAGE)
    if wants_files != bool(step.storage) and kind is not MigrationKind.OFFLINE:
        yield problem("kind", step.subject, f"step {step.id} is {kind.value} and lists {len(step.storage)} files")
    yield from _state(step, kind, stand)


def _state(step: MachineStep, kind: MigrationKind, stand: Stand) -> Iterator[Problem]:
    if kind in LIVE_KINDS and not stand.is_running:
        yield problem("state", step.subject, f"step {step.id} is {kind.value}, the machine is {stand.state}")
    if kind is MigrationKind.OFFLINE and stand.state not in ("Off", "Saved"):
        yield problem("state", step.subject, f"step {step.id} is offline, the machine is {stand.state}")


def _start(step: MachineStep, stand: Stand, case: Case) -> Iterator[Problem]:
    if step.action is not Action.START_VIRTUAL_MACHINE:
        return
    wanted = case.managed.get(step.virtual_machine.id.casefold())
    if wanted is None or wanted.migration.when_off != "start":
        yield problem("start", step.subject, "the machine would be started, but its YAML does not say whenOff: start")
    if stand.state not in ("Off", "Saved"):
        yield problem("state", step.subject, f"the machine would be started, but is {stand.state}")
    later = case.chains[step.virtual_machine.id.casefold()]
    if not any(migrates_host(other) and case.is_before(step, other) for other in later):
        yield problem("start", step.subject, "the machine would be started, but does not change its host afterwards")


def _files(step: MachineStep, stand: Stand, case: Case) -> Iterator[Problem]:
    moving: set[str] = set()
    for move in step.storage:
        key = _key_of(move, stand)
        if key is None or key in moving:
            yield problem("storage", step.subject, f"step {step.id} moves {move.file} from where it is not")
            continue
        moving.add(key)
        yield from _file(move, step, case)
    if migrates_host(step):
        for key, path in stand.files.items():
            if key not in moving and not stays_reachable(path, stand.host, str(step.destination), case):
                yield problem("unreachable-file", step.subject, f"{path} stays, but {step.destination} cannot reach it")


def _key_of(move: StorageMove, stand: Stand) -> str | None:
    if move.file in FOLDERS:
        known = stand.files.get(move.file)
        return move.file if known is None or paths.same(known, move.source) else None
    disks = ((key, path) for key, path in stand.files.items() if key not in FOLDERS)
    named = move.file.casefold() == paths.file_of(move.source).casefold()
    return next((key for key, path in disks if named and paths.same(path, move.source)), None)


def _file(move: StorageMove, step: MachineStep, case: Case) -> Iterator[Problem]:
    if move.file in FOLDERS:
        return
    if paths.file_of(move.source).casefold() != paths.file_of(move.target).casefold():
        yield problem("storage", step.subject, f"{move.file} would be renamed to {paths.file_of(move.target)}")
    machine = case.machine(step)
    sizes = {paths.file_of(disk.path).casefold(): disk.file_bytes for disk in machine.disks if disk.path} if machine else {}
    known = sizes.get(move.file.casefold())
    if known is not None and move.bytes != known:
        yield problem("bytes", step.subject, f"{move.file} is said to have {move.bytes} bytes, it has {known}")


def _role(step: MachineStep, stand: Stand, case: Case) -> Iterator[Problem]:
    if step.action in (Action.ADD_CLUSTER_ROLE, Action.REMOVE_CLUSTER_ROLE):
        yield from _role_change(step, stand, case)
    elif not migrates_host(step):
        if step.leaves_cluster or step.joins_cluster:
            yield problem("crossing", step.subject, f"step {step.id} names a cluster to leave or join and stays on its host")
    else:
        yield from _crossing(step, stand, case)


def _role_change(step: MachineStep, stand: Stand, case: Case) -> Iterator[Problem]:
    adds = step.action is Action.ADD_CLUSTER_ROLE
    if case.cluster_of(stand.host) is None or stand.has_role is adds:
        yield problem("role", step.subject, f"{step.action.value} has nothing to do on {stand.host}")
    wanted = case.managed.get(step.virtual_machine.id.casefold())
    stray = [path for path in stand.files.values() if not _is_clustered(path, stand.host, case)] if adds else []
    if stray:
        yield problem("role-storage", step.subject, f"the role needs clustered storage, and {stray[0]} is not on any")
    if wanted is not None and wanted.high_availability is (not adds):
        yield problem("role", step.subject, f"{step.action.value} is against what the desired state asks for")


def _is_clustered(path: str, host: str, case: Case) -> bool:
    """Tell whether a file at a path may belong to a machine with a cluster role on that host."""
    return paths.is_smb(path) or (paths.is_cluster_volume(path) and case.cluster_of(host) is not None)


def _crossing(step: MachineStep, stand: Stand, case: Case) -> Iterator[Problem]:
    here, there = case.cluster_of(stand.host), case.cluster_of(str(step.destination))
    wanted = case.managed.get(step.virtual_machine.id.casefold())
    crosses = here != there
    if here is not None and not crosses and stand.has_role is not False and step.storage:
        yield problem("role-with-storage", step.subject, f"step {step.id} moves host and files at once inside {here}")
    leaves = {here if crosses and stand.has_role else None} | ({here, None} if stand.has_role is None and crosses else set())
    asked = wanted.high_availability if wanted else None
    joins = {there if crosses and asked else None} | ({there, None} if asked is None and crosses else set())
    if _key(step.leaves_cluster) not in leaves:
        yield problem("crossing", step.subject, f"step {step.id} leaves {step.leaves_cluster}, its role is in {here}")
    if _key(step.joins_cluster) not in joins:
        yield problem("crossing", step.subject, f"step {step.id} joins {step.joins_cluster}, {step.destination} is in {there}")
    limit = wanted.migration.maximum_unprotected_seconds if wanted else None
    if limit is not None and step.unprotected_seconds > limit:
        finding = f"{step.unprotected_seconds} s without high availability, at most {limit} s are allowed"
        yield problem("unprotected-seconds", step.subject, finding)


def _key(name: str | None) -> str | None:
    return name.casefold() if name else None
