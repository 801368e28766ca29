"""What one life takes place on: the fleet, its clock, the controller's clock, store and desired state, and the checker."""

import random
from datetime import timedelta

from reconciler.hosts.port import (
    AddClusterRole,
    Answer,
    FailureKind,
    HostReport,
    RemoveClusterRole,
    StartMigration,
)
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.simulation.checker import Knowledge, Truth, Violation
from reconciler.simulation.checker.knowledge import Change
from reconciler.simulation.crash import CrashPoints
from reconciler.simulation.event_log import EventLog
from reconciler.simulation.fleet import draw_fleet
from reconciler.simulation.options import Options
from reconciler.simulation.store import SimulatedStore
from reconciler.simulation.streams import Streams
from reconciler.simulation.timeline import ControllerClock, Timeline
from reconciler.simulation.wishes import first_wishes
from reconciler.simulator.assumptions import Assumptions
from reconciler.simulator.history import Event
from reconciler.simulator.world import World

KEPT_EVENTS = timedelta(minutes=2)


class Stage:
    """Everything that a life shares. ``calm`` switches every fault off.

    Fleet and desired state are drawn unless they are given; given ones stay as they are.
    """

    def __init__(self, options: Options, fleet: Observation | None = None, desired: Desired | None = None) -> None:
        self.options, self.streams = options, Streams(options.seed)
        fleet = fleet or draw_fleet(options, self.streams)
        rng = self.streams.of("stage")
        start = fleet.observed_at + timedelta(days=rng.randint(0, 360), hours=rng.randint(0, 23))
        self.timeline = Timeline(start)
        self.clock = ControllerClock(self.timeline)
        self.log = EventLog(self.timeline)
        speeds = Assumptions(network_speed=rng.choice((110e6, 1100e6)), storage_speed=rng.choice((200e6, 800e6)))
        self.world = World(fleet, self.timeline, speeds)
        self.truth = Truth(self.world)
        self.known = Knowledge(_names(fleet))
        self.points = CrashPoints()
        self.store = SimulatedStore(self.clock, self.points, self.log, self.known)
        self.wishes = first_wishes(fleet, self.streams.of("wishes"), options.rules, options.windows, options.traits)
        self._given = desired
        self.desired = self.newest()
        self.faults = frozenset(options.faults)
        self.partial: set[str] = set()
        self.calm = False
        self.recent: list[Event] = []
        self.last_reports: dict[str, HostReport] = {}
        self.refusals = 0
        self.changes_asked = 0
        self.saved_roles = self._give_roles_settings(rng)
        self.excused_roles: set[str] = set()

    def newest(self) -> Desired:
        """Return the desired state as it is committed now."""
        return self._given or self.wishes.committed()

    def _give_roles_settings(self, rng: random.Random) -> dict[str, dict[str, object]]:
        """Roles differ, so that one restored with another's settings, or with none, is seen."""
        saved: dict[str, dict[str, object]] = {}
        for host, machine in self.world.observation().machines():
            settings = self.world.role_settings(host.name, machine.id)
            if settings is not None:
                settings["priority"] = rng.choice((1000, 3000))
                saved[machine.id] = dict(settings)
        return saved

    def fault(self, luck: random.Random, kinds: tuple[str, ...]) -> str | None:
        """Draw a fault of these kinds for one call, or none; the draw is made either way, so that streams stay in step."""
        drawn, chosen = luck.random(), luck.random()
        possible = [kind for kind in kinds if kind in self.faults]
        if self.calm or not possible or drawn >= self.options.fault_rate:
            return None
        return possible[int(chosen * len(possible))]

    def happened(self) -> None:
        """Let the checker see what happened in the fleet, and write it down."""
        new = self.truth.look()
        for event in new:
            self.log.add("fleet", _line(event))
        horizon = self.timeline.now() - KEPT_EVENTS
        self.recent = [event for event in (*self.recent, *new) if event.time >= horizon]

    def debts_of(self, host: str, operation: Change) -> None:
        """A role that is taken off a machine that must have one is owed from now on."""
        self.changes_asked += 1
        if isinstance(operation, RemoveClusterRole):
            wish = next((one for one in self.desired.virtual_machines if one.id == operation.machine_id), None)
            if wish is not None and wish.high_availability:
                self.known.debts[operation.machine_id] = host
            else:
                self.excused_roles.add(operation.machine_id)

    def answer_to_change(self, host: str, answer: Answer) -> None:
        """Pay debts, and judge refusals: none may come that a fresh look would have shown, unless something came between."""
        operation, failure = answer.call.operation, answer.failure
        if isinstance(operation, AddClusterRole) and not failure:
            self.known.debts.pop(operation.machine_id, None)
        if failure is None or failure.kind not in (FailureKind.REFUSED, FailureKind.LIMIT):
            return
        self.refusals += 1
        if isinstance(operation, StartMigration):
            self.known.refused.add(operation.machine_id)
        if isinstance(operation, RemoveClusterRole):
            self.known.debts.pop(operation.machine_id, None)
        if self._undisturbed():
            raise Violation(
                "S5", f"{type(operation).__name__} on {host} was refused, as any fresh look shows: {failure.finding}"
            )

    def _undisturbed(self) -> bool:
        told = self.known.told.values()
        now = self.timeline.now()
        quiet = self.known.disturbances == self.known.disturbed_before_look
        return quiet and all(one.true_at == now and not one.altered and one.look == self.known.look for one in told)


def _names(fleet: Observation) -> dict[str, str]:
    keys = {host.name.casefold(): host.name.casefold() for host in fleet.hosts}
    return keys | {host.address.casefold(): host.name.casefold() for host in fleet.hosts if host.address}


def _line(event: Event) -> str:
    detail = {
        name: value for name, value in event.detail.items() if name in ("kind", "destination", "by", "error", "field", "to")
    }
    return f"{event.kind.value} {event.vm or ''} {event.host or ''} {detail}"
