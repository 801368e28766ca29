"""What a way from one host to another needs, for the machines that go it: one function for each column of the matrix."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reconciler.doctor.cells import cannot_tell, no, on_host, quoted, worst, yes
from reconciler.doctor.disk_room import disk_room
from reconciler.doctor.host_checks import HostCase
from reconciler.doctor.ways import Way
from reconciler.model import paths
from reconciler.model.diagnosis import Cell
from reconciler.model.words import AuthenticationType
from reconciler.plan import checks
from reconciler.plan.checks import Case, Check, Unknown
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Refusal

SERVICES = ("cifs", "Microsoft Virtual System Migration Service")


@dataclass(frozen=True, slots=True)
class WayCase:
    """A way with both of its ends."""

    fleet: Fleet
    way: Way
    source: HostCase
    destination: HostCase

    @property
    def in_one_cluster(self) -> bool:
        """Nodes of a cluster trust each other by means of the cluster."""
        return self.fleet.same_cluster(self.way.source, self.way.destination)

    def asked(self, check: Check) -> Iterator[Refusal | Unknown | None]:
        """Give what a check of the plan says of each machine; nothing where an end was not observed."""
        source, destination = self.source.seen, self.destination.seen
        if source is None or destination is None:
            return
        for machine in self.way.machines:
            yield check(Case(self.fleet, machine, source, destination, machine.is_running))


def way_cells(case: WayCase) -> tuple[Cell, ...]:
    """Return the checks of a way, in the order of the matrix."""
    return tuple(check(case) for check in CHECKS)


def domain(case: WayCase) -> Cell:
    """Both hosts are in one domain, or in domains that trust each other."""
    here, there = case.source.told.domain, case.destination.told.domain
    if case.in_one_cluster:
        return yes("domain", "one cluster")
    if here is None or there is None:
        end = case.source if here is None else case.destination
        return end.unread("domain", "domain", "(Get-CimInstance Win32_ComputerSystem).Domain")
    if not here or not there:
        end = case.source if not here else case.destination
        return no("domain", f"{end.name} is in no domain", on_host(end.address, "Add-Computer -DomainName DOMAIN -Restart"))
    if here.casefold() == there.casefold():
        return yes("domain", here)
    forests = case.source.told.forests
    if forests is not None and len(forests) == 1 and forests == case.destination.told.forests:
        return yes("domain", f"{here} and {there}, both of the forest {forests[0]}")
    finding = f"{case.way.source} is in {here}, {case.way.destination} in {there}; whether these trust each other is not known"
    return cannot_tell("domain", finding, on_host(case.source.address, "nltest /domain_trusts"))


def authentication(case: WayCase) -> Cell:
    """Both ends authenticate migrations alike."""
    answer = _by_plan(case, "authentication", checks.authentication, "Get-VMHost | Select-Object *AuthenticationType")
    if answer.remedy.startswith("set spec"):
        command = "Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos"
        both = "; ".join(on_host(end.address, command) for end in (case.source, case.destination))
        return no("authentication", answer.finding, both)
    return answer


def delegation(case: WayCase) -> Cell:
    """The source's account may speak for the controller at the destination: files (cifs) and the migration service."""
    kind = case.source.seen.migration.authentication_type if case.source.seen else None
    if case.in_one_cluster:
        return yes("delegation", "one cluster")
    if kind is AuthenticationType.CREDSSP:
        remedy = "use transport credssp, or set spec.migration.authenticationType: Kerberos with delegation"
        return cannot_tell("delegation", "CredSSP needs a controller that logs on by CredSSP itself", remedy)
    found = case.source.told.delegation
    if found is None:
        command = f"Get-ADComputer {quoted(case.way.source)} -Properties msDS-AllowedToDelegateTo, TrustedToAuthForDelegation"
        reason = next(
            (text for text in case.source.told.problems if text.startswith("delegation")), case.source.diagnosed.finding
        )
        return cannot_tell("delegation", reason or "it was not read", command)
    return _delegated(case, {service.casefold() for service in found.services}, any_protocol=found.any_protocol)


def _delegated(case: WayCase, services: set[str], *, any_protocol: bool) -> Cell:
    names = {case.way.destination, case.destination.address, case.destination.address.partition(".")[0]}
    missing = [one for one in SERVICES if not any(f"{one}/{name}".casefold() in services for name in names)]
    if not missing and any_protocol:
        return yes("delegation", "cifs and the migration service")
    source, target = case.way.source, case.destination.address
    commands = []
    if missing:
        listed = ", ".join(quoted(f"{service}/{name}") for service in missing for name in (target, target.partition(".")[0]))
        commands.append(f"Set-ADComputer {quoted(source)} -Add @{{'msDS-AllowedToDelegateTo' = {listed}}}")
    if not any_protocol:
        account = quoted(f"{source}$")
        commands.append(f"Set-ADAccountControl -Identity {account} -TrustedToAuthForDelegation $true")
    lacks = " and ".join(missing) if missing else "use any authentication protocol"
    return no("delegation", f"{source} may not delegate to {case.way.destination}: {lacks}", "; ".join(commands))


def processors(case: WayCase) -> Cell:
    """One vendor; and of one vendor, one model, or machines that keep to what all models have."""
    answer = _by_plan(case, "processor", checks.processor_vendor, "(Get-CimInstance Win32_Processor).Manufacturer")
    with_state = (one for one in case.way.machines if one.is_running or one.state == "Saved")
    wide = [one.name for one in with_state if not one.processor_compatibility]
    if answer.verdict != "yes" or not wide:
        return answer
    here, there = (_processor(end) for end in (case.source, case.destination))
    if here is not None and here == there:
        return yes("processor", here)
    told = f"models differ ({here}, {there})" if here and there else "a model is not known"
    compare = f"Compare-VM {quoted(wide[0])} {quoted(case.destination.address)} | ForEach-Object Incompatibilities"
    mend = f"Stop-VM {quoted(wide[0])}; Set-VMProcessor {quoted(wide[0])} -CompatibilityForMigrationEnabled $true"
    tells, mends = (on_host(case.source.address, command) for command in (compare, mend))
    finding = f"{told}, and {_listed(wide)} may use more than both have"
    return cannot_tell("processor", finding, f"{tells}; what helps where it finds some: {mends}")


def _processor(end: HostCase) -> str | None:
    """Return what decides which instructions there are: family, model and stepping, else the name that says more than that."""
    described = end.told.processors
    if described is not None and len(described) == 1 and described[0]:
        return described[0]
    return end.seen.processor_model if end.seen else None


def versions(case: WayCase) -> Cell:
    """The destination's Windows knows the machines' configuration versions."""
    return _by_plan(case, "versions", checks.configuration_version, "Get-VMHostSupportedVersion")


def switches(case: WayCase) -> Cell:
    """The destination has the machines' switches, by name."""
    answer = _by_plan(case, "switches", checks.switches, "Get-VMSwitch")
    if answer.verdict != "no":
        return answer
    there = {name.casefold() for name in (case.destination.seen.switches if case.destination.seen else None) or ()}
    wanted = {name for machine in case.way.machines for name in machine.switches or () if name.casefold() not in there}
    commands = "; ".join(f"New-VMSwitch {quoted(name)} -NetAdapterName ADAPTER" for name in sorted(wanted))
    return no("switches", answer.finding, on_host(case.destination.address, commands))


def shares(case: WayCase) -> Cell:
    """Both ends reach the shares that the machines' files lie on."""
    if not case.way.shares:
        return yes("shares", "none in use")
    for share in case.way.shares:
        for end in (case.source, case.destination):
            tested = next((one.reachable for one in end.told.shares if paths.same(one.path, share)), None)
            if not tested and share not in case.fleet.shares_in_use.get(end.name.casefold(), ()):
                finding = f"{end.name} is not seen using {share}" + (
                    "" if tested is None else ", and a session there may not see it"
                )
                return cannot_tell(
                    "shares",
                    finding,
                    f"on {end.name} itself: Test-Path {quoted(share)}; on the file server: "
                    f"Get-SmbShareAccess {quoted(share.rpartition(chr(92))[2])}",
                )
    return yes("shares", ", ".join(case.way.shares))


def port(case: WayCase) -> Cell:
    """The source opens a connection to the port that the destination listens on for migrations."""
    address = case.destination.address
    tested = next((one.open for one in case.source.told.ports if one.address.casefold() == address.casefold()), None)
    test = on_host(case.source.address, f"Test-NetConnection {quoted(address)} -Port 6600")
    if tested is None:
        return cannot_tell("port 6600", case.source.diagnosed.finding or "it was not tried", test)
    if tested:
        return yes("port 6600")
    rule = on_host(address, "Enable-NetFirewallRule -DisplayGroup 'Hyper-V'")
    return no("port 6600", f"{case.way.source} cannot open a connection to {address}:6600", f"{rule}; then: {test}")


def room(case: WayCase) -> Cell:
    """There is memory for the largest of the machines, and disk space for the files that come along."""
    return worst(_memory(case), disk_room(case.fleet, case.way.destination, case.destination.address, case.way.arrivals))


def _memory(case: WayCase) -> Cell:
    """There is memory for the largest of the machines, what must stay free taken off."""
    free = case.fleet.memory_room(case.way.destination)
    needed = max((one.memory_mib or 0 for one in case.way.machines if not one.is_off), default=0)
    if free is None or any(one.memory_mib is None for one in case.way.machines):
        return case.destination.unread("room", "memory", "(Get-CimInstance Win32_OperatingSystem).FreePhysicalMemory")
    if needed <= free:
        return yes("room", f"{free} MiB free")
    finding = f"{needed} MiB are needed at once, {free} MiB are free for arrivals"
    return no("room", finding, f"move other machines off {case.way.destination}, or lower its reserve")


def _by_plan(case: WayCase, name: str, check: Check, command: str) -> Cell:
    """Return what a check of the plan says of the machines of a way: the first refusal, else the first unknown."""
    answers = list(case.asked(check))
    refusal = next((one for one in answers if isinstance(one, Refusal)), None)
    if refusal is not None:
        return no(name, refusal.finding, refusal.remedy)
    if not answers or any(isinstance(one, Unknown) for one in answers):
        end = case.source if case.source.seen is None else case.destination
        return cannot_tell(name, "a fact that decides it was not observed", on_host(end.address, command))
    return yes(name)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


CHECKS: tuple[Callable[[WayCase], Cell], ...] = (
    domain,
    authentication,
    delegation,
    processors,
    versions,
    switches,
    shares,
    port,
    room,
)
