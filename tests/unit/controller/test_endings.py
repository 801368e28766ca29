"""Every run ends: what hosts refuse again and again is given up, and what can never come is not waited for."""

from collections.abc import Sequence
from datetime import timedelta

from reconciler.clock import ManualClock
from reconciler.controller import Options, Run
from reconciler.hosts.port import AddClusterRole, Answer, Call, Failure, FailureKind
from reconciler.model.desired import Desired
from reconciler.model.observation import Cluster, Observation
from reconciler.model.progress import ApplyReport, OutcomeState, Progress
from reconciler.simulator.fleet import SimulatedHosts
from reconciler.simulator.world import World
from reconciler.store import MemoryStore
from tests.builders import a_fleet, a_host, a_vm, desired, desired_vm


class Silent:
    """A view for nobody."""

    def show(self, progress: Progress) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""


class Interrupting(Silent):
    """Somebody who stops a run as soon as something is on its way."""

    run: Run | None = None

    def show(self, progress: Progress) -> None:
        """Stop the run."""
        if progress.rows and self.run:
            self.run.stop()


class Watched:
    """Hosts that may refuse every cluster role, asked only so often."""

    def __init__(self, world: World, *, no_roles: bool) -> None:
        self._hosts, self._no_roles, self.calls, self.roles_asked = SimulatedHosts(world), no_roles, 0, 0

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Ask, or refuse."""
        self.calls += 1
        assert self.calls < 500, "the run does not end"
        return [self._refuse(call) or self._hosts.ask([call])[0] for call in calls]

    def _refuse(self, call: Call) -> Answer | None:
        if not self._no_roles or not isinstance(call.operation, AddClusterRole):
            return None
        self.roles_asked += 1
        return Answer(call, failure=Failure(FailureKind.REFUSED, "the cluster is full", "make room"))

    def close(self) -> None:
        """Nothing is held."""


def fleet(second: str | None) -> Observation:
    """A machine that is a role on Host1 of C1; Host2 is in another cluster, or in none."""
    names = ["C1"] + ([second] if second else [])
    clusters = tuple(Cluster(name=name, maximum_parallel_migrations=2) for name in names)
    hosts = a_host("Host1", a_vm(highly_available=True), cluster="C1"), a_host("Host2", cluster=second)
    return a_fleet(*hosts, clusters=clusters)


def run(wanted: Desired, observation: Observation, *, no_roles: bool = False) -> tuple[ApplyReport, World, Watched]:
    clock = ManualClock(observation.observed_at + timedelta(minutes=1))
    world = World(observation, clock)
    hosts = Watched(world, no_roles=no_roles)
    report = Run(wanted, hosts, MemoryStore(clock), clock, Silent(), Options(poll_seconds=15)).execute()
    return report, world, hosts


def test_a_role_that_is_refused_again_and_again_is_given_up() -> None:
    """Three tries with growing pauses, then the run ends, and says that the machine arrived without its role."""
    report, _, hosts = run(desired(desired_vm("vm1", "Host2", high_availability=True), hosts=2), fleet("C2"), no_roles=True)
    assert report.exit_code == 6
    assert hosts.roles_asked == 3
    assert "arrived, but its cluster role was refused 3 times" in " ".join(row.detail for row in report.outcomes)


def test_outside_a_cluster_nobody_waits_for_a_role() -> None:
    """A move out of the cluster to a host without one is done on arrival, whatever is asked."""
    report, world, _ = run(desired(desired_vm("vm1", "Host2", high_availability=True), hosts=2), fleet(None))
    assert [row.state for row in report.outcomes] == [OutcomeState.DONE]
    assert [host.name for host, _ in world.observation().machines()] == ["Host2"]


def test_a_machine_named_in_another_case_has_its_time_without_a_role_measured() -> None:
    """Names compare without case; the step is done only when the role is on at the destination."""
    report, world, _ = run(desired(desired_vm("VM1", "Host2", high_availability=True), hosts=2), fleet("C2"))
    ((_, machine),) = world.observation().machines()
    assert machine.highly_available
    assert [row.unprotected_seconds is not None for row in report.outcomes if row.action == "liveMigration"] == [True]


def test_a_hop_under_way_is_followed_after_a_restart() -> None:
    """Two full hosts swap machines over a third; somebody stops during the hop, and the next run goes on from there."""
    observation = a_fleet(
        a_host("Host1", a_vm("vm1"), available_mib=0), a_host("Host2", a_vm("vm2"), available_mib=0), a_host("Host3")
    )
    wanted = desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host1"))
    clock = ManualClock(observation.observed_at + timedelta(minutes=1))
    world, store = World(observation, clock), MemoryStore(clock)
    somebody = Interrupting()
    first = somebody.run = Run(wanted, SimulatedHosts(world), store, clock, somebody)
    assert first.execute().interrupted
    assert world.next_end() is not None, "the hop goes on without a controller"

    report = Run(wanted, SimulatedHosts(world), store, clock, Silent()).execute()

    assert report.exit_code == 0, report.exit_reason
    assert {vm.name: host.name for host, vm in world.observation().machines()} == {"vm1": "Host2", "vm2": "Host1"}
