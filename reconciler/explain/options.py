"""Every host that a machine may be on, judged by the planner's own checks: all reasons against it, not only the first.

A host that is not refused here is one that a plan which pins the machine to it uses, or blocks for other machines' sake only.
"""

from dataclasses import dataclass, field

from reconciler.explain.room import memory_at, memory_reason, space_reasons
from reconciler.explain.rules import rule_reasons
from reconciler.explain.scene import Scene
from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.explanation import HostOption, MemoryRoom, Reason, Verdict
from reconciler.model.machine_files import files_of
from reconciler.model.observation import VirtualMachine
from reconciler.model.words import MIGRATION_KINDS
from reconciler.plan.checks import Case, findings
from reconciler.plan.estimate import Assumptions
from reconciler.plan.moves import Move, Refusal, Route
from reconciler.plan.reach import stays_reachable
from reconciler.plan.roles import role_refusal
from reconciler.plan.routes import find_route


@dataclass(slots=True)
class _Judgement:
    """What was found against a host so far; the worst verdict wins."""

    reasons: list[Reason] = field(default_factory=list)
    refused: bool = False
    waits: bool = False

    def refuse(self, *reasons: Reason) -> None:
        known = {(reason.reason, reason.finding) for reason in self.reasons}
        self.reasons += [reason for reason in reasons if (reason.reason, reason.finding) not in known]
        self.refused = self.refused or bool(reasons)

    def add(self, found: tuple[Verdict, Reason] | None) -> None:
        if found is not None and found[0] is Verdict.REFUSED:
            self.refuse(found[1])
        elif found is not None:
            self.reasons.append(found[1])
            self.waits = True


def options_of(scene: Scene, drift: MachineDrift) -> tuple[HostOption, ...]:
    """Return a judgement of each host that the placement allows, by name; without one, the host it is on is allowed too."""
    if drift.observed is None or drift.host is None:
        return ()
    home = () if drift.wrong_host else (drift.host,)
    names = {name.casefold(): name for name in (*allowed_hosts(scene, drift), *home)}
    return tuple(judge(scene, drift, drift.observed, names[key]) for key in sorted(names))


def allowed_hosts(scene: Scene, drift: MachineDrift) -> tuple[str, ...]:
    """Return the hosts that a placement allows; without one, those that a drained machine may go to."""
    if drift.machine.placement is not None:
        return drift.machine.placement.hosts
    if drift.host is None or not drift.draining:
        return ()
    if scene.fleet.cluster_of(drift.host) is not None:
        return tuple(name for name in scene.fleet.host_names if scene.fleet.same_cluster(name, drift.host))
    wanted = scene.desired.host(drift.host)
    group = next((one for one in scene.desired.host_groups if wanted and one.name == wanted.host_group), None)
    return group.hosts if group else ()


def judge(scene: Scene, drift: MachineDrift, machine: VirtualMachine, host: str) -> HostOption:
    """Return the verdict on one host for a machine that was seen, with every reason and the way it would get there."""
    source = drift.host or ""
    if host.casefold() == source.casefold():
        return _at_home(scene, drift, machine, source)
    found = _Judgement()
    route = find_route(scene.fleet, drift, machine, source, host)
    if isinstance(route, Refusal):
        found.refuse(as_reason(route))
    found.refuse(*_more_reasons(scene, machine, source, host))
    memory = memory_at(scene, host, machine.id.casefold(), _needed(drift, machine, route))
    planned = _is_end(scene, machine, host)
    if not planned:
        _judge_traffic(scene, drift, machine, host, route, memory, found)
    return _option(scene, drift, machine, host, route, memory, found, _verdict(found, drift, host, planned=planned))


def as_reason(refusal: Refusal) -> Reason:
    """Return the published form of a planner's refusal."""
    return Reason(reason=refusal.reason, finding=refusal.finding, remedy=refusal.remedy)


def _more_reasons(scene: Scene, machine: VirtualMachine, source: str, host: str) -> list[Reason]:
    """Every check that fails, where the planner is content with the first. Of a machine that is started first, as it is now."""
    here, there = scene.fleet.host(source), scene.fleet.host(host)
    if here is None or there is None:
        return []
    case = Case(scene.fleet, machine, here, there, machine.is_running)
    return [as_reason(finding) for finding in findings(case) if isinstance(finding, Refusal)]


def _judge_traffic(
    scene: Scene,
    drift: MachineDrift,
    machine: VirtualMachine,
    host: str,
    route: Route | Refusal,
    memory: MemoryRoom,
    found: _Judgement,
) -> None:
    """Room, roles and rules: what depends on where other machines stand."""
    found.add(memory_reason(scene, host, machine.id.casefold(), memory))
    for reason in rule_reasons(scene, drift, host):
        found.add(reason)
    if isinstance(route, Route):
        move = Move(drift, machine, drift.host or "", route, "explain")
        refusal = role_refusal(scene.fleet, move, Assumptions.of(scene.fleet.desired.policy))
        found.refuse(*([as_reason(refusal)] if refusal else []), *space_reasons(scene, move))
        if route.starts:
            start = memory_at(scene, move.source, machine.id.casefold(), move.memory_mib)
            found.add(memory_reason(scene, move.source, machine.id.casefold(), start))


def _at_home(scene: Scene, drift: MachineDrift, machine: VirtualMachine, host: str) -> HostOption:
    """The host it is on: refused where it is in maintenance, or where its files cannot be put in order there."""
    found = _Judgement()
    if drift.draining:
        finding = f"{host} is in maintenance, so whatever may move leaves"
        found.refuse(Reason(reason="maintenance", finding=finding, remedy="end the maintenance, or let it move"))
    route: Route | Refusal | None = None
    if drift.files and not found.refused:
        route = find_route(scene.fleet, drift, machine, host, host)
        if isinstance(route, Refusal):
            found.refuse(as_reason(route))
        elif not scene.steps_of(machine.id):
            found.refuse(*space_reasons(scene, Move(drift, machine, host, route, "explain")))
    if not found.refused:
        found.refuse(*_blocked_at_home(scene, drift, machine))
    verdict = Verdict.REFUSED if found.refused else Verdict.HERE
    return _option(scene, drift, machine, host, route, memory_at(scene, host, machine.id.casefold()), found, verdict)


def _blocked_at_home(scene: Scene, drift: MachineDrift, machine: VirtualMachine) -> list[Reason]:
    """What the plan cannot help although the machine may stay: a role its files do not allow, a clash of files, a rule."""
    mine = [one for one in scene.plan.blocked if one.subject == drift.subject and one.id in (None, machine.id)]
    return [Reason(reason=min(one.counts, default=one.code), finding=one.finding, remedy=one.remedy) for one in mine]


def _verdict(found: _Judgement, drift: MachineDrift, host: str, *, planned: bool) -> Verdict:
    if drift.status is MachineStatus.MOVING and (drift.destination or "").casefold() == host.casefold():
        return Verdict.ARRIVING
    if planned:
        return Verdict.PLANNED
    if found.refused:
        return Verdict.REFUSED
    return Verdict.WAITS if found.waits else Verdict.POSSIBLE


def _is_end(scene: Scene, machine: VirtualMachine, host: str) -> bool:
    end = scene.end_of(machine.id)
    return end is not None and end.casefold() == host.casefold()


def _needed(drift: MachineDrift, machine: VirtualMachine, route: Route | Refusal) -> int | None:
    if isinstance(route, Route):
        return Move(drift, machine, drift.host or "", route, "explain").memory_mib
    return machine.memory_mib if machine.is_running else 0


def _option(
    scene: Scene,
    drift: MachineDrift,
    machine: VirtualMachine,
    host: str,
    route: Route | Refusal | None,
    memory: MemoryRoom,
    found: _Judgement,
    verdict: Verdict,
) -> HostOption:
    made = route if isinstance(route, Route) else None
    source = drift.host or ""
    lost = [one.path for one in files_of(machine) if one.path and not stays_reachable(scene.fleet, one.path, source, host)]
    return HostOption(
        host=host,
        verdict=verdict,
        reasons=tuple(found.reasons),
        memory=memory,
        migration=MIGRATION_KINDS[made.action] if made else None,
        copies=tuple(move.file for move in made.storage) if made else (),
        bytes=made.copied_bytes if made else None,
        unreached=tuple(dict.fromkeys(lost)),
        unverified=made.unverified if made else (),
    )
