"""The fleets whose explanations are kept as golden files: one for each answer that people come back with questions about."""

from datetime import timedelta

from reconciler.model import desired as want
from reconciler.model import observation as seen
from reconciler.model.desired import Desired, Hold, HostMigrationSettings, VirtualMachineMigration
from reconciler.model.observation import Observation
from reconciler.model.words import WhenOff
from tests.builders import (
    OBSERVED_AT,
    SHARE,
    a_fleet,
    a_host,
    a_vm,
    apart,
    desired,
    desired_host,
    desired_vm,
    source,
    stored,
    vm_id,
)

Case = tuple[Desired, Observation, str]


def in_place() -> Case:
    """Allowed on two hosts, on one of them, its files where they belong."""
    wanted = desired_vm("vm1", ("Host1", "Host2"), storage=stored(rf"{SHARE}\vm1"))
    return desired(wanted), a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2"), a_host("Host3")), "vm1"


def waits_for_departure() -> Case:
    """Its host has no room until another machine has left it."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2"), available_mib=1024), a_host("Host3"))
    return desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host3")), fleet, "vm1"


def no_room_anywhere() -> Case:
    """Its host is being drained, and every other one lacks something."""
    hosts = (
        a_host("Host1", a_vm("vm1")),
        a_host("Host2", available_mib=6000),
        a_host("Host3", available_mib=2000, switches=("Other",)),
        a_host("Host4", supported_configuration_versions=("8.0",), processor_vendor="AuthenticAMD"),
        a_host("Host5"),
    )
    wanted = desired(
        desired_vm("vm1", tuple(host.name for host in hosts)),
        desired_host("Host1", maintenance=True),
        desired_host("Host2", reserve_memory_mib=4096),
        desired_host("Host5", cordoned=True),
        hosts=6,
    )
    return wanted, a_fleet(*hosts, a_host("Host6")), "vm1"


def rule_forbids() -> Case:
    """A rule keeps it apart from a machine that stays where this one is wanted."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2")))
    return desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host2"), apart("vm1", "vm2"), hosts=2), fleet, "vm1"


def held() -> Case:
    """Somebody asked for hands off."""
    hold = Hold("vendor visit", "ops@contoso.com", OBSERVED_AT + timedelta(days=2))
    return desired(desired_vm("vm1", "Host2", hold=hold), hosts=2), a_fleet(), "vm1"


def off_and_held() -> Case:
    """It is switched off, and its document says to leave stopped machines alone."""
    settings = VirtualMachineMigration(when_off=WhenOff.HOLD)
    fleet = a_fleet(a_host("Host1", a_vm("vm1", state="Off")), a_host("Host2"))
    return desired(desired_vm("vm1", "Host2", migration=settings), hosts=2), fleet, "vm1"


def unknown() -> Case:
    """No host reports it, and one does not answer."""
    fleet = a_fleet(a_host("Host1"), a_host("Host2", status="unreachable", problem="no answer within 10 s"))
    return desired(desired_vm("vm1", "Host1"), hosts=2), fleet, "vm1"


def foreign_migration() -> Case:
    """Somebody else is moving it to a host that nobody asked for."""
    job = seen.Migration(id="m", virtual_machine=vm_id("vm1"), kind="live", destination="Host3", percent=40)
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), migrations=(job,)), a_host("Host2"), a_host("Host3"))
    return desired(desired_vm("vm1", "Host2")), fleet, "vm1"


def crossing() -> Case:
    """From one cluster to another: role off, live migration, role on."""
    hosts = (
        a_host("Node1", a_vm("vm1", highly_available=True), cluster="East", node_state="Up"),
        a_host("Node2", cluster="West", node_state="Up"),
    )
    clusters = tuple(seen.Cluster(name=name, maximum_parallel_migrations=1) for name in ("East", "West"))
    wanted = desired(
        desired_vm("vm1", "Node2", high_availability=True),
        desired_host("Node1", cluster="East"),
        desired_host("Node2", cluster="West"),
        want.Cluster("East", source("east"), "east.contoso.com"),
        hosts=("Node1", "Node2"),
    )
    return wanted, a_fleet(*hosts, clusters=clusters), "vm1"


def host_in_maintenance() -> Case:
    """One machine leaves, one may not go anywhere, one is nobody's; and the host is refused to a third."""
    host = desired_host("Host1", maintenance=True, migration=HostMigrationSettings(maximum_virtual_machine_migrations=1))
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2"), a_vm("stray")), a_host("Host2", a_vm("vm3")), a_host("Host3"))
    machines = (desired_vm("vm1", ("Host1", "Host2")), desired_vm("vm2", "Host1"), desired_vm("vm3", ("Host1", "Host3")))
    return desired(host, *machines), fleet, "Host1"


def cluster_seen_from_outside() -> Case:
    """The crossing, asked of the cluster that is left."""
    return (*crossing()[:2], "East")


def full_group() -> Case:
    """It may be on any host of its group, its own is being emptied, and the rest of the group is full."""
    group = want.HostGroup("rack1", source("rack1"), hosts=("Host1", "Host2", "Host3"))
    placement = want.Placement("hostGroup", group.hosts)
    hosts = (
        a_host("Host1", a_vm("vm1")),
        a_host("Host2", a_vm("vm2"), available_mib=3072),
        a_host("Host3", a_vm("vm3"), available_mib=1024),
    )
    drained = desired_host("Host1", maintenance=True, host_group="rack1")
    return desired(desired_vm("vm1", placement=placement), group, drained), a_fleet(*hosts), "vm1"


def keeps_apart_until_then() -> Case:
    """A rule keeps it from its host until its mate, which goes as well, has left."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2")), a_host("Host3"))
    return desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host3"), apart("vm1", "vm2")), fleet, "vm1"


def cordoned() -> Case:
    """Its one host takes no arrivals."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2"))
    return desired(desired_vm("vm1", "Host2"), desired_host("Host2", cordoned=True), hosts=2), fleet, "vm1"


def cannot_be_emptied() -> Case:
    """A host in maintenance, one of whose machines is pinned to it, while another finds no room."""
    hosts = (a_host("Host1", a_vm("vm1"), a_vm("vm2")), a_host("Host2", available_mib=2048), a_host("Host3"))
    machines = (desired_vm("vm1", "Host1"), desired_vm("vm2", ("Host1", "Host2")))
    return desired(*machines, desired_host("Host1", maintenance=True)), a_fleet(*hosts), "Host1"


def contradiction() -> Case:
    """Three machines that must keep apart, and two hosts for them."""
    machines = [desired_vm(f"vm{number}", ("Host2", "Host3")) for number in (1, 2, 3)]
    fleet = a_fleet(a_host("Host1", *(a_vm(f"vm{number}") for number in (1, 2, 3))), a_host("Host2"), a_host("Host3"))
    return desired(*machines, apart("vm1", "vm2", "vm3")), fleet, "vm3"


CASES = (
    in_place,
    waits_for_departure,
    no_room_anywhere,
    rule_forbids,
    held,
    off_and_held,
    unknown,
    foreign_migration,
    crossing,
    host_in_maintenance,
    cluster_seen_from_outside,
    full_group,
    keeps_apart_until_then,
    cordoned,
    cannot_be_emptied,
    contradiction,
)
