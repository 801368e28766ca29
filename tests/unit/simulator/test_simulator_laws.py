"""The law of the simulated fleet: whatever is asked of it, in whatever order, what must never be so never is."""

from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from reconciler.clock import ManualClock
from reconciler.hosts.port import (
    AddClusterRole,
    CancelMigration,
    ConfigureCluster,
    ConfigureHost,
    Operation,
    RemoveClusterRole,
    StartMachine,
    StartMigration,
)
from reconciler.model.observation import Observation, Volume
from reconciler.model.words import MigrationKind
from reconciler.simulator.generate import make_fleet
from reconciler.simulator.history import movers, over_limit
from reconciler.simulator.storage import moves_to
from reconciler.simulator.world import Refused, World

GIB = 1024**3


def tight(fleet: Observation) -> Observation:
    """The same fleet with little room left, so that room decides often."""
    drive = (Volume(path="D:\\", size_bytes=900 * GIB, free_bytes=200 * GIB),)
    changes = {"available_memory_mib": 12 * 1024}
    hosts = [h.model_copy(update=changes | {"storage": h.storage.model_copy(update={"volumes": drive})}) for h in fleet.hosts]
    return fleet.model_copy(update={"hosts": tuple(hosts)})


FLEET = tight(make_fleet(6, 4, seed=4))
HOSTS = [host.name for host in FLEET.hosts]
MACHINES = [machine.id for _, machine in FLEET.machines()]
FOLDERS = ["D:\\New", "\\\\fileserver1.contoso.com\\vms\\new", "C:\\ClusterStorage\\cluster-002\\new", "E:\\"]
hosts, machines = st.sampled_from(HOSTS), st.sampled_from(MACHINES)


class AnyOrder(RuleBasedStateMachine):
    """Operations, people and faults, sent wherever and whenever."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(FLEET.observed_at)
        self.world = World(FLEET, self.clock)

    def home(self, machine_id: str) -> str:
        """Where a machine is now."""
        return next(host.name for host, machine in self.world.observation().machines() if machine.id == machine_id)

    def send(self, host_name: str, operation: Operation) -> None:
        """Ask, and take no for an answer."""
        with suppress(Refused):
            self.world.execute(host_name, operation)

    @rule(vm=machines, kind=st.sampled_from(MigrationKind), to=st.none() | hosts, folder=st.none() | st.sampled_from(FOLDERS))
    def migrate(self, vm: str, kind: MigrationKind, to: str | None, folder: str | None) -> None:
        machine = next(machine for _, machine in self.world.observation().machines() if machine.id == vm)
        moves = tuple(moves_to(machine, f"{folder}\\{machine.name}")) if folder else ()
        self.send(self.home(vm), StartMigration(vm, kind, to, moves))

    @rule(orders=st.lists(st.tuples(machines, hosts), min_size=1, max_size=6), protected=st.booleans())
    def somebody_moves(self, orders: list[tuple[str, str]], protected: bool) -> None:
        for vm, to in orders:
            if not protected:
                self.send(self.home(vm), RemoveClusterRole(vm))
            with suppress(Refused):
                self.world.person_moves(vm, to)

    @rule(vm=machines, folder=st.sampled_from(FOLDERS))
    def somebody_moves_storage(self, vm: str, folder: str) -> None:
        machine = next(machine for _, machine in self.world.observation().machines() if machine.id == vm)
        with suppress(Refused):
            self.world.person_moves(vm, None, tuple(moves_to(machine, f"{folder}\\{machine.name}")))

    @rule(vm=machines)
    def cancel(self, vm: str) -> None:
        jobs = [job for host in self.world.observation().hosts for job in host.migrations if job.virtual_machine == vm]
        for job in jobs:
            self.send(self.home(vm), CancelMigration(job.id))

    @rule(vm=machines, change=st.sampled_from([StartMachine, RemoveClusterRole, AddClusterRole]))
    def change_machine(self, vm: str, change: type[StartMachine] | type[RemoveClusterRole] | type[AddClusterRole]) -> None:
        self.send(self.home(vm), change(vm))

    @rule(vm=machines, stop=st.sampled_from([True, False, False, False]))
    def disturb(self, vm: str, stop: bool) -> None:
        if stop:
            self.world.stop_machine(vm)
        else:
            self.world.fail_next_migration(vm, 1, "arranged")

    @rule(at=hosts, limit=st.integers(0, 4), field=st.sampled_from(["VirtualMachine", "Storage"]))
    def configure(self, at: str, limit: int, field: str) -> None:
        self.send(at, ConfigureHost({f"migration.maximum{field}Migrations": limit}))
        self.send(at, ConfigureCluster(limit))

    @rule(seconds=st.sampled_from([1, 10, 60, 600]))
    def wait(self, seconds: int) -> None:
        self.clock.sleep(seconds)

    @invariant()
    def nothing_is_overcommitted_and_every_machine_exists_once(self) -> None:
        assert self.world.check() == []
        seen = sorted(machine.id for _, machine in self.world.observation().machines())
        assert seen == sorted(MACHINES)

    @invariant()
    def slots_are_kept_and_no_machine_moves_twice_at_once(self) -> None:
        events = self.world.events
        assert over_limit(events) == []
        assert set(movers(events).values()) <= {1}
        assert all(earlier.time <= later.time for earlier, later in pairwise(events))

    def teardown(self) -> None:
        """Left alone, the fleet comes to rest, and nothing of what was held is lost."""
        while (end := self.world.next_end()) is not None:
            self.clock.sleep((end - self.clock.now()) / timedelta(seconds=1))
        now = self.world.observation()
        assert memory_of_hosts(now) == memory_of_hosts(FLEET)
        assert free_space(now) == free_space(FLEET)


def memory_of_hosts(seen: Observation) -> dict[str, int]:
    """What is free plus what running machines take, by host."""
    taken = {host.name: sum(vm.memory_mib or 0 for vm in host.virtual_machines if vm.is_running) for host in seen.hosts}
    return {host.name: taken[host.name] + (host.available_memory_mib or 0) for host in seen.hosts}


def free_space(seen: Observation) -> int:
    """What is free on all volumes together; files only move, so it stays the same."""
    local = [volume for host in seen.hosts for volume in host.storage.volumes]
    shared = [volume for cluster in seen.clusters for volume in cluster.shared_volumes]
    return sum(volume.free_bytes or 0 for volume in (*local, *shared, *seen.shares))


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
