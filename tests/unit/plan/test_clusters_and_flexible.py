"""Clusters, high availability on the way, maintenance, simple flexible placements, and guard rails."""

import pytest

from reconciler.cycle import think
from reconciler.model import observation as seen
from reconciler.model.desired import Guardrails, HostGroup, Placement, PlacementRule, Policy, VirtualMachineMigration
from reconciler.model.plan import MachineStep, Plan
from reconciler.model.words import Handling, HostStatus, RuleType
from tests.builders import GIB, SHARE, a_fleet, a_host, a_vm, apart, desired, desired_host, desired_vm, source, stored
from tests.unit.plan.planning import blocked, plan_for, step_of, story

VOLUME = r"C:\ClusterStorage\Volume1"


def clusters(machine: seen.VirtualMachine, **fields: object) -> seen.Observation:
    """Two clusters of two nodes, the machine on the first; Host5 stands alone."""
    nodes = [a_host(f"Host{n}", *([machine] if n == 1 else []), cluster="C1" if n < 3 else "C2") for n in range(1, 5)]
    volumes = (seen.Volume(path=VOLUME, free_bytes=10**13, size_bytes=10**13),)
    both = tuple(seen.Cluster(name=name, maximum_parallel_migrations=2, shared_volumes=volumes) for name in ("C1", "C2"))
    return a_fleet(*nodes, a_host("Host5"), clusters=both, **fields)


def test_a_crossing_is_one_step() -> None:
    """Role off, live migration, role on are one promise; the unprotected time is the whole step's."""
    wanted = desired(desired_vm("vm1", "Host3", high_availability=True), hosts=5)
    plan = plan_for(wanted, clusters(a_vm("vm1", highly_available=True)))
    step = step_of(plan, "vm1")
    assert story(plan) == ["liveMigration vm1 Host1 Host3"]
    assert (step.leaves_cluster, step.joins_cluster, step.unprotected_seconds) == ("C1", "C2", step.estimated_seconds)
    assert (plan.summary.live_migrations, plan.summary.high_availability_changes) == (1, 0)


def test_within_a_cluster_the_role_stays() -> None:
    """Files on a shared volume stay, nothing is left or joined, nobody is unprotected."""
    machine = a_vm("vm1", folder=rf"{VOLUME}\vm1", highly_available=True)
    step = step_of(plan_for(desired(desired_vm("vm1", "Host2", high_availability=True), hosts=5), clusters(machine)), "vm1")
    assert (step.action, step.leaves_cluster, step.joins_cluster, step.unprotected_seconds) == ("liveMigration", None, None, 0)


def test_too_long_without_protection_is_blocked() -> None:
    """Copying between clusters takes longer than the machine may be unprotected."""
    brief = VirtualMachineMigration(maximum_unprotected_seconds=20)
    wanted = desired_vm("vm1", "Host3", high_availability=True, migration=brief, storage=stored(rf"{VOLUME}\vm1"))
    machine = a_vm("vm1", folder=rf"{VOLUME}\vm1", highly_available=True)
    assert blocked(plan_for(desired(wanted, hosts=5), clusters(machine))) == {"vm1": "unprotected-too-long"}


def test_lost_protection_is_restored_where_the_machine_belongs() -> None:
    """Arrived without its role, the machine gets it there."""
    wanted = desired(desired_vm("vm1", "Host1", high_availability=True), hosts=5)
    assert story(plan_for(wanted, clusters(a_vm("vm1")))) == ["addClusterRole vm1 Host1"]


def test_protection_is_restored_at_the_source_before_a_crossing() -> None:
    """An interrupted crossing is first made safe, then tried again."""
    plan = plan_for(desired(desired_vm("vm1", "Host3", high_availability=True), hosts=5), clusters(a_vm("vm1")))
    assert story(plan) == ["addClusterRole vm1 Host1", "liveMigration vm1 Host1 Host3"]
    assert plan.steps[1].depends_on == ("s1",)
    assert step_of(plan, "vm1").leaves_cluster == "C1"


def test_a_role_nobody_wants_is_taken_off() -> None:
    """highAvailability: false removes the role, and no machine stops for it."""
    wanted = desired(desired_vm("vm1", "Host1", high_availability=False), hosts=5)
    assert story(plan_for(wanted, clusters(a_vm("vm1", highly_available=True)))) == ["removeClusterRole vm1 Host1"]


def test_a_role_waits_for_clustered_storage() -> None:
    """Local files go to the shared volume first; only then can the machine be a role."""
    wanted = desired_vm("vm1", "Host1", high_availability=True, storage=stored(rf"{VOLUME}\vm1"))
    plan = plan_for(desired(wanted, hosts=5), clusters(a_vm("vm1", folder=r"D:\VMs\vm1")))
    assert story(plan) == ["storageMigration vm1 Host1", "addClusterRole vm1 Host1"]
    assert plan.steps[1].depends_on == ("s1",)


def test_joining_a_cluster_is_part_of_the_move() -> None:
    """A stand-alone machine becomes a role on arrival; it never was protected, so it is not unprotected."""
    fleet = clusters(a_vm("vm9", memory_mib=512))
    alone = fleet.host("Host5")
    assert alone is not None
    hosts = (*fleet.hosts[:4], alone.model_copy(update={"virtual_machines": (a_vm("vm1"),)}))
    fleet = a_fleet(*hosts, clusters=fleet.clusters)
    step = step_of(plan_for(desired(desired_vm("vm1", "Host1", high_availability=True), hosts=5), fleet), "vm1")
    assert (step.leaves_cluster, step.joins_cluster, step.unprotected_seconds) == (None, "C1", 0)


def test_a_clustered_machine_cannot_end_on_local_storage() -> None:
    """A role needs storage that every node reaches."""
    wanted = desired_vm("vm1", "Host2", high_availability=True, storage=stored(r"D:\VMs\vm1"))
    assert blocked(plan_for(desired(wanted, hosts=5), clusters(a_vm("vm1", highly_available=True)))) == {
        "vm1": "unreachable-path"
    }


def test_maintenance_empties_a_host() -> None:
    """A machine with several hosts leaves; one pinned there cannot and is told; the unmanaged one is left alone."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2"), a_vm("vm3")), a_host("Host2"))
    machines = (desired_vm("vm1", ("Host1", "Host2")), desired_vm("vm2", "Host1"))
    plan = plan_for(desired(*machines, desired_host("Host1", maintenance=True), hosts=2), fleet)
    assert story(plan) == ["liveMigration vm1 Host1 Host2"]
    assert plan.steps[0].reason == "host.maintenance"
    assert plan.steps[0].because == "desired-state/Host1.yaml:1"
    assert blocked(plan) == {"vm2": "host-in-maintenance"}


def test_without_a_placement_maintenance_leads_to_the_host_group() -> None:
    """A machine that nobody placed goes to another host of its group, and nowhere else."""
    group = HostGroup("rack", source("rack"), hosts=("Host1", "Host3"))
    hosts = (desired_host("Host1", maintenance=True, host_group="rack"), desired_host("Host3", host_group="rack"))
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2"), a_host("Host3", available_mib=9000))
    assert story(plan_for(desired(desired_vm("vm1"), group, *hosts), fleet)) == ["liveMigration vm1 Host1 Host3"]


def test_an_allowed_machine_never_moves_for_balance() -> None:
    """However crowded its host, a machine that may stay does."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), available_mib=0), a_host("Host2"))
    assert not plan_for(desired(desired_vm("vm1", ("Host1", "Host2")), hosts=2), fleet).has_changes


def test_a_flexible_machine_goes_to_the_first_host_in_its_own_order() -> None:
    """Among hosts that cost the same, a preferred one wins, then the machine's own order, in which room is no rank."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", available_mib=9000), a_host("Host3", available_mib=60000))
    either = desired(desired_vm("vm1", ("Host2", "Host3")))
    assert story(plan_for(either, fleet)) == ["liveMigration vm1 Host1 Host3"]
    fuller = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", available_mib=60000), a_host("Host3", available_mib=9000))
    assert story(plan_for(either, fuller)) == ["liveMigration vm1 Host1 Host3"]
    preferring = desired_vm("vm1")
    placement = Placement("hosts", ("Host2", "Host3"), prefer=("Host2",))
    preferring = type(preferring)(preferring.name, preferring.source, placement=placement)
    assert story(plan_for(desired(preferring), fleet)) == ["liveMigration vm1 Host1 Host2"]


def test_hosts_are_counted_by_reason() -> None:
    """No allowed host fits: the counts say what stands in the way where."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", available_mib=0), a_host("Host3", switches=()))
    plan = plan_for(desired(desired_vm("vm1", ("Host2", "Host3"))), fleet)
    assert [(one.code, one.counts) for one in plan.blocked] == [("no-host", {"memory": 1, "switch": 1})]


def drained_with_files(*free_gib: int, machines: int, gib: int) -> Plan:
    """The plan for a host that is emptied; its machines' files lie on its own drive, and others have so much room on theirs."""

    def drive(free: int) -> seen.HostStorage:
        return seen.HostStorage(volumes=(seen.Volume(path="D:\\", size_bytes=2000 * GIB, free_bytes=free * GIB),))

    names = [f"vm{n}" for n in range(1, machines + 1)]
    vms = [a_vm(name, folder=rf"D:\VMs\{name}", gib=gib) for name in names]
    others = [a_host(f"Host{n}", storage=drive(free)) for n, free in enumerate(free_gib, start=2)]
    everywhere = tuple(f"Host{n}" for n in range(1, len(free_gib) + 2))
    wanted = [desired_vm(name, everywhere, storage=stored(rf"D:\VMs\{name}")) for name in names]
    hosts = [desired_host(name, maintenance=name == "Host1") for name in everywhere]
    return think(desired(*hosts, *wanted), a_fleet(a_host("Host1", *vms, storage=drive(100)), *others)).plan


def test_hosts_are_chosen_by_room_on_their_drives_too() -> None:
    """Each drive has room for two machines: four find a place, whichever host each would have liked best."""
    plan = drained_with_files(500, 500, machines=4, gib=200)
    assert blocked(plan) == {}
    ends = sorted(step.destination or "" for step in plan.steps if isinstance(step, MachineStep))
    assert ends == ["Host2"] * 2 + ["Host3"] * 2
    assert (plan.summary.migrations, plan.summary.needed_migrations) == (8, 8)


def test_the_only_drive_with_room_is_chosen_and_who_is_left_over_is_not_called_impossible() -> None:
    """One machine fits on one drive and two want to; which of them goes was a choice, so nothing is proven of the other."""
    plan = drained_with_files(350, 250, machines=2, gib=300)
    assert story(plan) == ["liveMigrationWithStorage vm1 Host1 Host2"]
    assert [(one.code, one.counts, one.proven) for one in plan.blocked] == [("no-room", {"space": 2}, False)]


def test_mates_with_one_host_in_common_meet_there_whatever_else_each_would_have_liked() -> None:
    """The first to choose takes Host3, where its mate may not go; looked at together, both go to Host2."""
    rule = PlacementRule("pair", source("pair"), RuleType.AFFINITY, ("vm1", "vm2"))
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2")), *(a_host(f"Host{n}") for n in (2, 3, 4)))
    wanted = desired(desired_vm("vm1", ("Host2", "Host3")), desired_vm("vm2", ("Host2", "Host4")), rule, hosts=4)
    assert story(think(wanted, fleet).plan) == ["liveMigration vm1 Host1 Host2", "liveMigration vm2 Host1 Host2"]


def test_a_stopped_mate_makes_way_too() -> None:
    """It takes no memory, but the rule keeps the pinned machine apart from it, and it may be on another host."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2", state="Off")), a_host("Host3"))
    wanted = desired(desired_vm("vm1", "Host2"), desired_vm("vm2", ("Host2", "Host3")), apart("vm1", "vm2"))
    plan = think(wanted, fleet).plan
    assert story(plan) == ["offlineMigration vm2 Host2 Host3", "liveMigration vm1 Host1 Host2"]
    assert (plan.steps[0].reason, plan.steps[1].depends_on) == ("makesRoom", ("s1",))


@pytest.mark.parametrize("small", ["Host2", "Host3"])
def test_room_is_made_only_where_the_files_have_room_too(small: str) -> None:
    """Both hosts are full of memory and could be relieved of a machine; one of them has a drive that is full as well."""

    def drive(name: str) -> seen.HostStorage:
        free = (10 if name == small else 500) * GIB
        return seen.HostStorage(volumes=(seen.Volume(path="D:\\", size_bytes=1000 * GIB, free_bytes=free),))

    full = [a_host(name, a_vm(f"on-{name}"), available_mib=0, storage=drive(name)) for name in ("Host2", "Host3")]
    fleet = a_fleet(a_host("Host1", a_vm("vm1", folder=r"D:\VMs\vm1", gib=100)), *full, a_host("Host4"))
    settled = [desired_vm(f"on-{name}", (name, "Host4")) for name in ("Host2", "Host3")]
    plan = think(desired(desired_vm("vm1", ("Host2", "Host3"), storage=stored(r"D:\VMs\vm1")), *settled, hosts=4), fleet).plan
    other = "Host3" if small == "Host2" else "Host2"
    assert story(plan) == [f"liveMigration on-{other} {other} Host4", f"liveMigrationWithStorage vm1 Host1 {other}"]


def test_a_broken_rule_is_mended_by_one_move() -> None:
    """Of two mates on one host the one that may go goes, because of the rule."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2")), a_host("Host2"))
    machines = (desired_vm("vm1", ("Host1", "Host2")), desired_vm("vm2", "Host1"))
    plan = plan_for(desired(*machines, apart("vm1", "vm2"), hosts=2), fleet)
    assert story(plan) == ["liveMigration vm1 Host1 Host2"]
    assert (plan.steps[0].reason, plan.steps[0].because) == ("placementRule/spread", "desired-state/spread.yaml:1")


def test_a_rule_that_nobody_can_mend_is_blocked() -> None:
    """Both mates pinned where they are: the rule stands among the blocked, naming both."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2")))
    plan = plan_for(desired(desired_vm("vm1", "Host1"), desired_vm("vm2", "Host1"), apart("vm1", "vm2"), hosts=1), fleet)
    assert plan.blocked[0].subject == "placementRule/spread"
    assert "vm1 and vm2" in plan.blocked[0].finding


@pytest.mark.parametrize("topology", ["cluster", "rack"])
@pytest.mark.parametrize("type_", list(RuleType))
def test_a_host_without_the_label_is_no_place_for_a_rule(type_: RuleType, topology: str) -> None:
    """In no cluster, without the label: machines there are neither apart nor together, so there is a plan, and it is empty."""
    rule = PlacementRule("spread", source("spread"), type_, ("vm1", "vm2", "vm3"), topology)
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2")), a_host("Host2", a_vm("vm3")))
    wanted = desired(*(desired_vm(f"vm{n}", ("Host1", "Host2")) for n in (1, 2, 3)), rule, hosts=2)
    thought = think(wanted, fleet)
    assert (story(thought.plan), blocked(thought.plan)) == ([], {})


def test_mending_a_rule_moves_nobody_where_it_sees_no_place() -> None:
    """Two mates share a rack, so one leaves; two others share a host without a rack, which breaks nothing."""
    racks = [desired_host(f"Host{n}", labels={"rack": rack}) for n, rack in ((1, "a"), (2, "b"), (3, "c"))]
    full = (a_host("Host1", a_vm("vm1"), a_vm("vm2")), a_host("Host4", a_vm("vm3"), a_vm("vm4")))
    names = tuple(f"vm{n}" for n in range(1, 5))
    machines = [desired_vm(name, ("Host1", "Host2", "Host3", "Host4")) for name in names]
    wanted = desired(*racks, *machines, apart(*names, topology="rack"), hosts=4)
    plan = think(wanted, a_fleet(*full, a_host("Host2"), a_host("Host3"))).plan
    assert [step.reason for step in plan.steps] == ["placementRule/spread"]
    assert step_of(plan, "vm2").source == "Host1"


def test_a_rule_broken_among_machines_that_are_held_says_so() -> None:
    """They could go elsewhere, but nobody may move them: that is what a reader has to know."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2")), a_host("Host2"))
    reported = [desired_vm(f"vm{n}", ("Host1", "Host2"), drift=Handling.REPORT) for n in (1, 2)]
    (entry,) = plan_for(desired(*reported, apart("vm1", "vm2"), hosts=2), fleet).blocked
    assert entry.finding == "vm1 and vm2 break this rule, and vm1 and vm2 are not to be moved: held, or only reported"


@pytest.mark.parametrize("handling", [Handling.REPORT, Handling.IGNORE])
def test_reported_and_ignored_machines_are_drift_not_blocked(handling: Handling) -> None:
    """They stand in the drift list with their handling; nothing is planned, nothing blocked."""
    plan = plan_for(desired(desired_vm("vm1", "Host2", drift=handling), hosts=2))
    assert (story(plan), blocked(plan)) == ([], {})
    assert [entry.handling for entry in plan.drift] == [handling]


def test_an_empty_desired_state_is_not_applied() -> None:
    """A fleet with machines and a desired state without any is more likely a mistake than a wish."""
    plan = plan_for(desired(hosts=2))
    assert not plan.applicable
    assert [problem.code for problem in plan.problems] == ["guardrail-empty-desired-state"]


def fleet_of(count: int) -> tuple[seen.Observation, list[object]]:
    names = [f"vm{n:02}" for n in range(count)]
    machines = [desired_vm(name, "Host2" if number < 4 else "Host1") for number, name in enumerate(names)]
    return a_fleet(a_host("Host1", *[a_vm(name) for name in names]), a_host("Host2")), list(machines)


@pytest.mark.parametrize(("count", "applicable"), [(9, True), (10, False)])
def test_the_share_counts_from_ten_machines_up(count: int, applicable: bool) -> None:
    """Four of nine may move, four of ten may not at 30 %; the plan is shown in full either way."""
    fleet, machines = fleet_of(count)
    policy = Policy(guardrails=Guardrails(maximum_share_of_virtual_machines=0.3))
    plan = plan_for(desired(*machines, policy, hosts=2), fleet)
    assert (plan.applicable, plan.summary.migrations) == (applicable, 4)


def test_too_many_migrations_are_not_applied() -> None:
    """The finding gives both numbers."""
    fleet, machines = fleet_of(5)
    plan = plan_for(desired(*machines, Policy(guardrails=Guardrails(maximum_migrations_per_plan=3)), hosts=2), fleet)
    assert [problem.code for problem in plan.problems] == ["guardrail-migrations"]
    assert "4 migrations, and 3" in plan.problems[0].finding


def test_the_fingerprint_ignores_volatile_facts() -> None:
    """More free memory or space is another observation, not another plan."""
    wanted = desired(desired_vm("vm1", "Host2"), hosts=2)
    more = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2"), available_mib=99999))
    one, two = plan_for(wanted), plan_for(wanted, more)
    assert one.fingerprint == two.fingerprint
    assert one.observation.digest != two.observation.digest


def test_protection_is_restored_though_the_destination_is_silent() -> None:
    """The machine cannot be moved and is unknown, but its host is seen and lacks its role: that much is mended."""
    fleet = clusters(a_vm("vm1"))
    hosts = tuple(
        host.model_copy(update={"status": HostStatus.UNREACHABLE}) if host.name == "Host3" else host for host in fleet.hosts
    )
    plan = plan_for(
        desired(desired_vm("vm1", "Host3", high_availability=True), hosts=5), a_fleet(*hosts, clusters=fleet.clusters)
    )
    assert story(plan) == ["addClusterRole vm1 Host1"]
    assert (plan.complete, plan.summary.unknown) == (False, 1)


def test_crossings_are_estimated_one_after_the_other() -> None:
    """Every departure from a cluster counts against the limit of unprotected machines, one for good too."""
    leaving = a_vm("vm1", highly_available=True), a_vm("vm2", highly_available=True)
    fleet = clusters(leaving[0])
    first = fleet.hosts[0].model_copy(update={"virtual_machines": leaving})
    wanted = desired(
        desired_vm("vm1", "Host3", high_availability=True), desired_vm("vm2", "Host4", high_availability=False), hosts=5
    )
    one, two = plan_for(wanted, a_fleet(first, *fleet.hosts[1:], clusters=fleet.clusters)).steps
    assert two.estimated_start_seconds >= one.estimated_start_seconds + one.estimated_seconds


def test_a_machine_that_is_left_out_after_all_takes_nobody_s_place() -> None:
    """The pinned machine takes the only room, and then its disk does not fit: the other one goes there instead."""
    drive = seen.HostStorage(volumes=(seen.Volume(path="D:\\", size_bytes=1000 * GIB, free_bytes=10 * GIB),))
    crowded = a_host("Host1", a_vm("pinned", folder=r"D:\VMs\pinned", gib=90), a_vm("other"))
    fleet = a_fleet(crowded, a_host("Host2", available_mib=4096, storage=drive), a_host("Host3"))
    pinned, other = desired_vm("pinned", "Host2", storage=stored(r"D:\VMs\pinned")), desired_vm("other", ("Host2", "Host3"))
    plan = think(desired(pinned, other, desired_host("Host3", cordoned=True)), fleet).plan
    assert blocked(plan) == {"pinned": "no-room"}
    assert story(plan) == ["liveMigration other Host1 Host2"]


def test_nothing_is_proven_while_somebody_who_could_make_way_has_files_to_move_first() -> None:
    """It is not asked to go, for its files come first; once they have moved it can, so the other one is not impossible."""
    fleet = a_fleet(a_host("Host1", a_vm("comer")), a_host("Host2", a_vm("settled"), available_mib=0), a_host("Host3"))
    settled = desired_vm("settled", ("Host2", "Host3"), storage=stored(rf"{SHARE}\new\settled"))
    plan = think(desired(desired_vm("comer", "Host2"), settled, hosts=3), fleet).plan
    assert story(plan) == ["storageMigration settled Host2"]
    assert [(one.code, one.proven) for one in plan.blocked] == [("no-room", False)]
