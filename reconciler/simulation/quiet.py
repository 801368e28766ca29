"""After the faults: everybody keeps still, and the fleet must come right within a bound, and then stay as it is.

With ``dead_host``, one host stays away at first, and delays only what needs it.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.simulation.checker import Violation, in_window
from reconciler.simulation.checker.settled import blocked_for_good, kept_back, shut_out, unsettled
from reconciler.simulator.history import EventKind

if TYPE_CHECKING:
    from reconciler.simulation.life import Life
    from reconciler.simulation.stage import Stage

MOST_RUNS = 60
SOON_RUNS = 12  # whatever the windows: roles and settings wait for none
MOST_DAYS = 9  # windows that open on some days of the week only
SILENT_RUNS = 3
BETWEEN_RUNS = timedelta(minutes=41)  # longer than the longest back-off
LATER_BETWEEN_RUNS = timedelta(hours=3)


def come_right(life: "Life") -> None:
    """Switch every fault off and raise ``Violation`` where the fleet does not converge, or does not stay."""
    stage = life.stage
    stage.calm = True
    stage.timeline.sleep(120)  # what was sent late arrives
    stage.timeline.clear()
    life.people.settle()
    stage.known.disturb()
    stage.log.add("calm")
    if stage.options.dead_host:
        _with_a_dead_host(life)
    elif stage.options.service:
        _by_one_service(life)
    _converge(life, ())
    _stay(life)


def _by_one_service(life: "Life") -> None:
    """One service gets there alone: what it remembers must not keep it from anything for ever."""
    stage = life.stage
    for _ in range(MOST_DAYS):
        life.serve(stage.timeline.now() + timedelta(days=1))
        if not _left(life, ()):
            return
    raise Violation("L1", f"not settled after {MOST_DAYS} calm days: {_told(life, ())}")


def _converge(life: "Life", without: tuple[str, ...]) -> None:
    for number in range(MOST_RUNS):
        report = life.apply()
        moving = any(host.running_migrations for host in life.stage.world.observation().hosts)
        if report is not None and not moving and not _left(life, without):
            return
        _wait(life, number)
    raise Violation("L3" if without else "L1", f"not settled after {MOST_RUNS} calm runs: {_told(life, without)}")


def _wait(life: "Life", number: int) -> None:
    """Wait for the next run. After half a day a run counts only while a window is open: else nothing could come of it."""
    stage, soon = life.stage, number < SOON_RUNS
    stage.timeline.sleep((BETWEEN_RUNS if soon else LATER_BETWEEN_RUNS).total_seconds())
    latest = stage.timeline.now() + timedelta(days=MOST_DAYS)
    while not soon and not in_window(stage.desired, stage.clock.now()) and stage.timeline.now() < latest:
        stage.timeline.sleep(LATER_BETWEEN_RUNS.total_seconds() / 3)


def _told(life: "Life", without: tuple[str, ...]) -> str:
    return f"{'; '.join(_left(life, without)[:4])}; {life.left.why() if life.left else 'nothing was said'}"


def _left(life: "Life", without: tuple[str, ...]) -> list[str]:
    stage = life.stage
    if life.left is None:
        return ["no pass came to its end"]
    now = stage.world.observation()
    excused = blocked_for_good(life.left, stage.options.tightness, stage.desired, now, one_is_away=bool(without))
    excused |= shut_out(life.left, stage.desired, now) | _needing(without, stage.desired, now)
    excused |= kept_back(life.left, stage.desired, now, excused)
    if not without:
        _roles_as_before(life)
    return unsettled(stage.desired, now, stage.clock.now(), excused, without)


def _roles_as_before(life: "Life") -> None:
    """Every role that is back has the settings it had, unless they could not be known (a lost reply, a lost store)."""
    stage = life.stage
    for host, machine in stage.world.observation().machines():
        settings, saved = stage.world.role_settings(host.name, machine.id), stage.saved_roles.get(machine.id)
        excused = machine.id in stage.excused_roles | stage.known.misled
        if settings and saved and not excused and settings["priority"] != saved["priority"]:
            raise Violation("S7", f"the role of {machine.name} was restored with {settings}, it had {saved}")


def _stay(life: "Life") -> None:
    stage = life.stage
    asked, events = stage.changes_asked, len(stage.world.events)
    for _ in range(SILENT_RUNS):
        stage.timeline.sleep(BETWEEN_RUNS.total_seconds())
        life.apply()
    if stage.changes_asked != asked or len(stage.world.events) != events:
        raise Violation("L2", f"{stage.changes_asked - asked} changes were asked for after everything was in place")


def _with_a_dead_host(life: "Life") -> None:
    stage = life.stage
    dead = _the_one_that_dies(stage)
    stage.world.set_unreachable(dead, True)
    stage.log.add("dead", dead)
    # Life goes on while a host is away: most of what is wanted now does not need it.
    stage.log.add("commit", stage.wishes.move_on(stage.streams.of("dead-host-commit"), dead))
    _converge(life, (dead,))
    stage.world.set_unreachable(dead, False)
    stage.known.disturb()


def _the_one_that_dies(stage: "Stage") -> str:
    luck = stage.streams.of("dead-host")
    joined = {event.host for event in stage.world.events if event.kind is EventKind.ROLE_ADDED}
    if "returning-machines" in stage.wishes.traits and joined:
        return luck.choice([host for host in stage.world.host_names if host in joined])
    return luck.choice(stage.world.host_names)


def _needing(dead: tuple[str, ...], desired: Desired, now: Observation) -> frozenset[str]:
    """Return the machines that need a dead host: on it, wanted on it, kept apart from one of those, or short of room."""
    if not dead:
        return frozenset()
    there = {vm.id for host, vm in now.machines() if host.name in dead or any(_leads_to(job, dead) for job in host.migrations)}
    there |= {one.id or "" for one in desired.virtual_machines if one.placement and set(one.placement.hosts) & set(dead)}
    # Whoever cannot leave for the dead host takes room that others were to have.
    crowded = {host.name for host, vm in now.machines() if vm.id in there}
    there |= {one.id or "" for one in desired.virtual_machines if one.placement and set(one.placement.hosts) & crowded}
    names = {one.name for one in desired.virtual_machines if one.id in there}
    mates = {name for rule in desired.placement_rules if names & set(rule.virtual_machines) for name in rule.virtual_machines}
    return frozenset(there | {one.id or "" for one in desired.virtual_machines if one.name in mates})


def _leads_to(job: object, dead: tuple[str, ...]) -> bool:
    return getattr(job, "destination", None) in dead
