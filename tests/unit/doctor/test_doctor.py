"""What the doctor says of each thing that can stand in the way: no with the command that mends it, or cannot tell and why."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from reconciler.cycle import think
from reconciler.diff import find_drift
from reconciler.doctor import examine, ways_needed
from reconciler.doctor.disk_room import disk_room
from reconciler.doctor.ways import Arrival
from reconciler.model import observation as seen
from reconciler.model.desired import HostMigrationSettings
from reconciler.model.diagnosis import Cell, Checkup, Delegation, Diagnosed, HostDiagnosis, PortTest, Quotas, Verdict
from reconciler.model.observation import Observation
from reconciler.plan.fleet import Fleet
from tests.builders import GIB, SHARE, a_fleet, a_host, a_vm, desired, desired_host, desired_vm, migration

SERVICE = "Microsoft Virtual System Migration Service"
CLEAR = HostDiagnosis(
    power_shell="5.1.20348.1",
    domain="contoso.com",
    forests=("contoso.com",),
    credential_guard=False,
    hyper_v_modules=("2.0.0.0",),
    quotas=Quotas(shells_per_user=30, processes_per_shell=25, memory_per_shell_mb=1024, operations_per_user=1500),
    delegation=Delegation(services=("cifs/Host2.contoso.com", f"{SERVICE}/HOST2"), any_protocol=True),
    ports=(PortTest(address="host2.contoso.com", open=True),),
    clock_skew_seconds=0.0,
)

TOLD = Diagnosed(CLEAR)


@dataclass(frozen=True)
class Case:
    """One machine that belongs on Host2 and runs on Host1: both as observed, and what both tell of their set-up."""

    here: Mapping[str, Any]
    there: Mapping[str, Any]
    machine: Mapping[str, Any]
    told_here: Diagnosed = TOLD
    told_there: Diagnosed = TOLD

    def checkup(self, **fleet: Any) -> Checkup:
        usual = {"os_version": "10.0.20348", "processor_model": "Xeon"}
        first = a_host("Host1", a_vm("vm1", **self.machine), **{**usual, **self.here})
        observation = a_fleet(first, a_host("Host2", **{**usual, **self.there}), **fleet)
        return checkup_of(observation, {"Host1": self.told_here, "Host2": self.told_there})


def checkup_of(observation: Observation, told: Mapping[str, Diagnosed]) -> Checkup:
    wanted = desired(desired_vm("vm1", "Host2"), desired_host("Host1"), desired_host("Host2"), hosts=0)
    drift = find_drift(wanted, observation)
    ways = ways_needed(wanted, observation, drift, think(wanted, observation).plan)
    return examine(wanted, observation, drift, ways, told)


def told(**fields: Any) -> Diagnosed:
    return Diagnosed(CLEAR.model_copy(update=fields))


CLEAR_WAY = Case({}, {}, {})
DENIED = Delegation(services=("cifs/host2.contoso.com",), any_protocol=True)
TABLE: dict[str, tuple[Case, str, Verdict, str]] = {
    "no PowerShell 5.1": (replace(CLEAR_WAY, told_here=told(power_shell="4.0")), "PowerShell", Verdict.NO, "5.1"),
    "old Windows": (replace(CLEAR_WAY, here={"os_version": "6.3.9600"}), "Windows", Verdict.NO, "2016"),
    "no module": (
        replace(CLEAR_WAY, told_here=told(hyper_v_modules=())),
        "Hyper-V module",
        Verdict.NO,
        "Install-WindowsFeature",
    ),
    "small shells": (
        replace(CLEAR_WAY, told_here=told(quotas=Quotas(memory_per_shell_mb=150))),
        "WinRM quotas",
        Verdict.NO,
        r"Set-Item WSMan:\localhost\Shell\MaxMemoryPerShellMB 512",
    ),
    "migration off": (
        replace(CLEAR_WAY, there={"migration": migration(enabled=False)}),
        "migration enabled",
        Verdict.NO,
        "Invoke-Command -ComputerName 'host2.contoso.com' { Enable-VMMigration }",
    ),
    "no network": (
        replace(CLEAR_WAY, there={"migration": migration(networks=())}),
        "networks",
        Verdict.NO,
        "Add-VMMigrationNetwork",
    ),
    "guarded CredSSP": (
        replace(CLEAR_WAY, here={"migration": migration(authentication_type="CredSSP")}, told_here=told(credential_guard=True)),
        "Credential Guard",
        Verdict.NO,
        "Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos",
    ),
    "clock": (replace(CLEAR_WAY, told_there=told(clock_skew_seconds=301.0)), "clock", Verdict.NO, "w32tm /resync"),
    "workgroup": (replace(CLEAR_WAY, told_there=told(domain="")), "domain", Verdict.NO, "Add-Computer"),
    "two domains": (
        replace(CLEAR_WAY, told_there=told(domain="fabrikam.com", forests=("fabrikam.com",))),
        "domain",
        Verdict.UNKNOWN,
        "nltest /domain_trusts",
    ),
    "two ways to log on": (
        replace(CLEAR_WAY, there={"migration": migration(authentication_type="CredSSP")}),
        "authentication",
        Verdict.NO,
        "Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos",
    ),
    "no delegation of the service": (
        replace(CLEAR_WAY, told_here=told(delegation=DENIED)),
        "delegation",
        Verdict.NO,
        f"Set-ADComputer 'Host1' -Add @{{'msDS-AllowedToDelegateTo' = '{SERVICE}/host2.contoso.com', '{SERVICE}/host2'}}",
    ),
    "delegation for Kerberos only": (
        replace(
            CLEAR_WAY,
            told_here=told(delegation=CLEAR.delegation and CLEAR.delegation.model_copy(update={"any_protocol": False})),
        ),
        "delegation",
        Verdict.NO,
        "Set-ADAccountControl -Identity 'Host1$' -TrustedToAuthForDelegation $true",
    ),
    "delegation not readable": (
        replace(CLEAR_WAY, told_here=told(delegation=None, problems=("delegation: The server is not operational.",))),
        "delegation",
        Verdict.UNKNOWN,
        "Get-ADComputer 'Host1' -Properties msDS-AllowedToDelegateTo",
    ),
    "two vendors": (replace(CLEAR_WAY, there={"processor_vendor": "AuthenticAMD"}), "processor", Verdict.NO, "same vendor"),
    "two models": (
        replace(CLEAR_WAY, there={"processor_model": "Epyc"}),
        "processor",
        Verdict.UNKNOWN,
        "-CompatibilityForMigrationEnabled $true",
    ),
    "a model that nobody knows": (
        replace(CLEAR_WAY, there={"processor_model": None}),
        "processor",
        Verdict.UNKNOWN,
        "Compare-VM 'vm1' 'host2.contoso.com' | ForEach-Object Incompatibilities",
    ),
    "a saved machine and two models": (
        replace(CLEAR_WAY, there={"processor_model": "Epyc"}, machine={"state": "Saved"}),
        "processor",
        Verdict.UNKNOWN,
        "Compare-VM 'vm1'",
    ),
    "older Windows there": (
        replace(CLEAR_WAY, there={"supported_configuration_versions": ("8.0",)}),
        "versions",
        Verdict.NO,
        "newer Windows Server",
    ),
    "switch": (replace(CLEAR_WAY, there={"switches": ()}), "switches", Verdict.NO, "New-VMSwitch 'Prod'"),
    "port": (
        replace(CLEAR_WAY, told_here=told(ports=(PortTest(address="host2.contoso.com", open=False),))),
        "port 6600",
        Verdict.NO,
        "Test-NetConnection 'host2.contoso.com' -Port 6600",
    ),
    "port not tried": (replace(CLEAR_WAY, told_here=told(ports=())), "port 6600", Verdict.UNKNOWN, "Test-NetConnection"),
    "no room": (replace(CLEAR_WAY, there={"available_mib": 1024}), "room", Verdict.NO, "lower its reserve"),
    "room not known": (replace(CLEAR_WAY, there={"available_memory_mib": None}), "room", Verdict.UNKNOWN, "FreePhysicalMemory"),
}


DISK = r"D:\VMs\vm1"
LOCAL = {"folder": DISK}


def volume(free_gib: int | None) -> dict[str, Any]:
    """A host with so much free on its drive."""
    free = None if free_gib is None else free_gib * GIB
    place = seen.Volume(path="D:\\", size_bytes=1000 * GIB, free_bytes=free)
    return {"storage": seen.HostStorage(virtual_machine_path="D:\\Hyper-V", volumes=(place,))}


TABLE |= {
    "no room on the disk": (replace(CLEAR_WAY, there=volume(19), machine=LOCAL), "room", Verdict.NO, "free 1.0 GiB there"),
    "room on the disk not known": (
        replace(CLEAR_WAY, there=volume(None), machine=LOCAL),
        "room",
        Verdict.UNKNOWN,
        "Invoke-Command -ComputerName 'host2.contoso.com' { Get-CimInstance Win32_Volume",
    ),
}


@pytest.mark.parametrize("what", TABLE)
def test_what_stands_in_the_way_is_told_with_the_command_that_helps(what: str) -> None:
    """One thing is wrong, just that check says so, and whoever reads it knows what to type."""
    case, check, verdict, command = TABLE[what]

    found = [cell for _, cell in case.checkup().cells(verdict) if cell.check == check]

    assert len(found) == 1
    assert command in found[0].remedy
    assert found[0].finding


def test_a_clear_way_is_all_yes() -> None:
    """The table above starts from here: no cell of it would be there without the one fact."""
    checkup = CLEAR_WAY.checkup()

    assert [row.cells for row in checkup.hosts if any(cell.verdict is not Verdict.YES for cell in row.cells)] == []
    assert [(pair.source, pair.destination, pair.machines) for pair in checkup.pairs] == [("Host1", "Host2", ("vm1",))]
    assert {cell.verdict for cell in checkup.pairs[0].cells} == {Verdict.YES}


KIND = told(domain="de.contoso.com", processors=("Intel64 Family 6 Model 106 Stepping 6",))


@pytest.mark.parametrize(
    ("case", "check"),
    [
        (Case({}, {}, {}, told_there=KIND), "domain"),
        (Case({}, {"processor_model": "Gold"}, {}, told_here=KIND, told_there=KIND), "processor"),
        (Case({}, volume(21), LOCAL), "room"),
        (Case({}, {}, {"disks": ()}), "room"),
    ],
    ids=["domains of one forest", "one family, model and stepping", "room on the disk", "nothing to copy"],
)
def test_facts_that_the_hosts_tell_turn_doubt_into_a_yes(case: Case, check: str) -> None:
    """Inside a forest all trust each other; two names of processors may be one kind; a disk may have just enough room."""
    assert cell_of(case.checkup(), check).verdict is Verdict.YES


def test_two_domains_of_which_one_knows_a_second_forest_are_not_taken_for_friends() -> None:
    """That a forest is known says nothing of who trusts whom."""
    both = ("contoso.com", "fabrikam.com")
    case = replace(CLEAR_WAY, told_here=told(forests=both), told_there=told(domain="fabrikam.com", forests=both))

    assert cell_of(case.checkup(), "domain").verdict is Verdict.UNKNOWN


def test_machines_that_fit_one_by_one_but_not_together_are_left_to_the_plan() -> None:
    """Others may leave the volume before."""
    arrivals = tuple(Arrival(name, DISK, 20 * GIB) for name in ("vm1", "vm2"))
    observation = a_fleet(a_host("Host1"), a_host("Host2", **volume(30)))
    wanted = desired(desired_host("Host1"), desired_host("Host2"), hosts=0)
    fleet = Fleet(wanted, observation, find_drift(wanted, observation))

    cell = disk_room(fleet, "Host2", "host2.contoso.com", arrivals)

    assert (cell.verdict, cell.remedy.startswith("reconciler plan")) == (Verdict.UNKNOWN, True)


def test_room_at_a_share_is_asked_of_the_file_server() -> None:
    """A host cannot tell it: its session may not speak to the server."""
    observation = a_fleet(a_host("Host1"), a_host("Host2"))
    wanted = desired(desired_host("Host1"), desired_host("Host2"), hosts=0)
    fleet = Fleet(wanted, observation, find_drift(wanted, observation))

    cell = disk_room(fleet, "Host2", "host2.contoso.com", (Arrival("vm1", r"\\fs9.contoso.com\other\vm1", GIB),))

    assert cell.remedy == "Invoke-Command -ComputerName 'fs9.contoso.com' { Get-Volume -FilePath (Get-SmbShare 'other').Path }"


def test_without_hosts_to_ask_nothing_is_made_up() -> None:
    """From a saved observation, what only the host can tell is *cannot tell*, and each such cell says how to find out."""
    checkup = replace(CLEAR_WAY, told_here=Diagnosed(), told_there=Diagnosed()).checkup()
    unknown = {cell.check for _, cell in checkup.cells(Verdict.UNKNOWN)}

    assert unknown == {"PowerShell", "WinRM quotas", "clock", "domain", "delegation", "port 6600"}
    assert all(cell.remedy and cell.finding for _, cell in checkup.cells(Verdict.UNKNOWN))
    assert checkup.cells(Verdict.NO) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [("host-unreachable", [Verdict.NO, Verdict.UNKNOWN]), ("authentication-failed", [Verdict.YES, Verdict.NO])],
)
def test_a_host_that_does_not_let_us_in(code: str, expected: list[Verdict]) -> None:
    """Out of reach, and refused at the door, are two troubles with two remedies."""
    gone = seen.Host(name="Host2", address="host2.contoso.com", status="unreachable", problem="nothing answers there")
    failed = Diagnosed(None, code, "it did not work", "do this")
    checkup = checkup_of(a_fleet(a_host("Host1", a_vm("vm1")), gone), {"Host1": Diagnosed(CLEAR), "Host2": failed})

    host2 = next(row for row in checkup.hosts if row.host == "Host2")
    assert [cell.verdict for cell in host2.cells[:2]] == expected


def test_a_share_that_nobody_is_seen_using_is_not_taken_for_reachable() -> None:
    """What a session may not see says nothing of the host's own rights, so it is no plain no."""
    listed = seen.Share(path=SHARE, hosts=("Host1",))
    observation = a_fleet(
        a_host("Host1", a_vm("vm1"), processor_model="Xeon"), a_host("Host2", processor_model="Xeon"), shares=(listed,)
    )
    checkup = checkup_of(observation, {"Host1": Diagnosed(CLEAR), "Host2": Diagnosed(CLEAR)})

    shares = cell_of(checkup, "shares")
    assert (shares.verdict, "Host2" in shares.finding) == (Verdict.UNKNOWN, True)


def cell_of(checkup: Checkup, check: str) -> Cell:
    return next(cell for cell in checkup.pairs[0].cells if cell.check == check)


@pytest.mark.parametrize(
    ("there", "command"),
    [({"processor_vendor": "AMD"}, "vendor"), ({"migration": migration(authentication_type="CredSSP")}, "authentication")],
)
def test_what_the_doctor_says_no_to_the_plan_blocks(there: dict[str, Any], command: str) -> None:
    """One rule, asked by both: the move is blocked at plan time, with the same finding."""
    observation = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", **there))
    wanted = desired(desired_vm("vm1", "Host2"), hosts=2)
    plan = think(wanted, observation).plan

    assert [(blocked.code, blocked.counts) for blocked in plan.blocked] == [("no-host", {command: 1})]
    told_by_doctor = [cell.finding for _, cell in checkup_of(observation, {}).cells(Verdict.NO)]
    assert plan.blocked[0].finding in told_by_doctor or any(finding in plan.blocked[0].finding for finding in told_by_doctor)


def test_settings_that_the_plan_makes_first_count() -> None:
    """Both hosts shall use Kerberos: the machine waits for the setting and is not blocked by what still is."""
    kerberos = HostMigrationSettings(authentication_type="Kerberos")  # type: ignore[arg-type]
    hosts = tuple(desired_host(name, migration=kerberos) for name in ("Host1", "Host2"))
    credssp = migration(authentication_type="CredSSP")
    plan = think(
        desired(desired_vm("vm1", "Host2"), *hosts, hosts=0),
        a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", migration=credssp)),
    ).plan

    assert [(step.id, step.action.value, step.depends_on) for step in plan.steps] == [
        ("s1", "configureHost", ()),
        ("s2", "liveMigration", ("s1",)),
    ]
