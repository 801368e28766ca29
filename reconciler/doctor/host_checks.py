"""What each host needs to be managed and to migrate: one function for each column of the matrix."""

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.doctor.cells import cannot_tell, no, on_host, quoted, yes
from reconciler.model.diagnosis import Cell, Diagnosed, HostDiagnosis
from reconciler.model.observation import Host
from reconciler.model.words import AuthenticationType, HostStatus
from reconciler.plan.fleet import Fleet

AUTHENTICATION_FAILED = "authentication-failed"
OLDEST_BUILD = 14393  # Windows Server 2016, the first whose Hyper-V module the scripts are written for
OLDEST_POWERSHELL = (5, 1)
TOLERATED_SKEW_SECONDS = 300  # Kerberos' own default (MaxClockSkew)
LEAST_SHELLS, LEAST_PROCESSES, LEAST_MEMORY_MB, LEAST_OPERATIONS = 5, 10, 512, 300


@dataclass(frozen=True, slots=True)
class HostCase:
    """One host of the desired state: what was observed of it, and what it tells of its set-up."""

    fleet: Fleet
    name: str
    address: str
    seen: Host | None
    diagnosed: Diagnosed

    @property
    def told(self) -> HostDiagnosis:
        """What the host tells; an empty answer where there is none."""
        return self.diagnosed.diagnosis or HostDiagnosis()

    def unread(self, check: str, part: str, command: str) -> Cell:
        """Return the cell for a fact that the host did not tell, with the reason it gave and the command that tells."""
        reason = next((text for text in self.told.problems if text.startswith(part)), self.diagnosed.finding)
        return cannot_tell(check, reason or "it was not read", on_host(self.address, command))


def host_cells(case: HostCase) -> tuple[Cell, ...]:
    """Return the checks of a host, in the order of the matrix."""
    return tuple(check(case) for check in CHECKS)


def reachable(case: HostCase) -> Cell:
    """It answers at its address."""
    if case.diagnosed.diagnosis is not None or case.diagnosed.code == AUTHENTICATION_FAILED:
        return yes("answers", case.address)
    if case.seen is not None and case.seen.status is not HostStatus.UNREACHABLE:
        return yes("answers", "by the observation")
    finding = case.diagnosed.finding or (case.seen.problem if case.seen else None) or "it was not asked"
    return no("answers", finding, f"Test-NetConnection {quoted(case.address)} -Port 5986; on the host: Enable-PSRemoting")


def authenticated(case: HostCase) -> Cell:
    """It accepts the controller's credentials."""
    if case.diagnosed.code == AUTHENTICATION_FAILED:
        return no("logon", case.diagnosed.finding, case.diagnosed.remedy)
    if case.diagnosed.diagnosis is not None or (case.seen is not None and case.seen.status is not HostStatus.UNREACHABLE):
        return yes("logon")
    return cannot_tell("logon", "it does not answer", f"Test-WSMan {quoted(case.address)} -Authentication Negotiate")


def hyper_v_module(case: HostCase) -> Cell:
    """The Hyper-V module for PowerShell is there."""
    modules = case.told.hyper_v_modules
    if modules:
        return yes("Hyper-V module", ", ".join(modules))
    if modules == ():
        install = on_host(case.address, "Install-WindowsFeature Hyper-V-PowerShell")
        return no("Hyper-V module", "the Hyper-V module is not installed", install)
    if case.seen is not None and case.seen.status is HostStatus.OK:
        return yes("Hyper-V module", "the survey used it")
    return case.unread("Hyper-V module", "Hyper-V module", "Get-Module -ListAvailable Hyper-V")


def power_shell(case: HostCase) -> Cell:
    """Windows PowerShell 5.1, which the scripts are written for."""
    version = case.told.power_shell
    if version is None:
        return case.unread("PowerShell", "PowerShell", "$PSVersionTable.PSVersion")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers >= OLDEST_POWERSHELL:
        return yes("PowerShell", version)
    return no("PowerShell", f"it has PowerShell {version}", "install Windows Management Framework 5.1 on the host")


def windows(case: HostCase) -> Cell:
    """Windows Server 2016 or newer."""
    version = case.seen.os_version if case.seen else None
    if version is None:
        return case.unread("Windows", "memory", "(Get-CimInstance Win32_OperatingSystem).Version")
    build = version.split(".")[2:3]
    if build and build[0].isdigit() and int(build[0]) >= OLDEST_BUILD:
        return yes("Windows", version)
    return no("Windows", f"it runs Windows {version}", "manage it by hand, or bring it to Windows Server 2016 or newer")


def quotas(case: HostCase) -> Cell:
    """WinRM lets a controller and a few administrators work at once."""
    found = case.told.quotas
    if found is None:
        return case.unread("WinRM quotas", "quotas", "winrm get winrm/config")
    table = (
        (r"Shell\MaxShellsPerUser", found.shells_per_user, LEAST_SHELLS),
        (r"Shell\MaxProcessesPerShell", found.processes_per_shell, LEAST_PROCESSES),
        (r"Shell\MaxMemoryPerShellMB", found.memory_per_shell_mb, LEAST_MEMORY_MB),
        (r"Service\MaxConcurrentOperationsPerUser", found.operations_per_user, LEAST_OPERATIONS),
    )
    # Of memory, 0 is no bound.
    low = [
        (name, value, least)
        for name, value, least in table
        if value is not None and value < least and (value or "Memory" not in name)
    ]
    if low:
        finding = ", ".join(
            f"{name.rpartition(chr(92))[2]} is {value}, at least {least} are needed" for name, value, least in low
        )
        commands = "; ".join(rf"Set-Item WSMan:\localhost\{name} {least}" for name, _, least in low)
        return no("WinRM quotas", finding, on_host(case.address, commands))
    return yes("WinRM quotas", f"{found.shells_per_user} shells, {found.memory_per_shell_mb} MB each")


def migration_enabled(case: HostCase) -> Cell:
    """It takes part in live migrations, or will once the plan's settings are made."""
    change = case.fleet.change(case.name, "migration.enabled")
    enabled = case.seen.migration.enabled if case.seen else None
    if change is not None and change.target:
        return yes("migration enabled", "the plan enables it")
    if enabled is None:
        return case.unread("migration enabled", "migration", "(Get-VMHost).VirtualMachineMigrationEnabled")
    return (
        yes("migration enabled")
        if enabled
        else no("migration enabled", "it is disabled", on_host(case.address, "Enable-VMMigration"))
    )


def migration_networks(case: HostCase) -> Cell:
    """It listens for migrations on some network."""
    networks = case.seen.migration.networks if case.seen else None
    if networks is None:
        return case.unread("networks", "networks", "Get-VMMigrationNetwork")
    if networks == "any":
        return yes("networks", "any")
    if not networks and not case.fleet.change(case.name, "migration.networks"):
        return no("networks", "it listens on no network", on_host(case.address, "Add-VMMigrationNetwork 10.0.10.0/24"))
    return yes("networks", ", ".join(networks) or "the plan sets them")


def limits(case: HostCase) -> Cell:
    """How many migrations it may run at once, and whose setting says so."""
    live, storage = case.fleet.live_limit(case.name), case.fleet.storage_limit(case.name)
    if live is None or storage is None:
        return case.unread("limits", "migration", "Get-VMHost | Select-Object Maximum*Migrations")
    cluster = case.fleet.cluster_of(case.name)
    seen = case.fleet.observation.cluster(cluster) if cluster else None
    ruled = seen is not None and seen.maximum_parallel_migrations is not None
    owner = f"cluster {cluster}'s" if ruled else "host's"
    finding = f"live {live} ({owner}), storage {storage} (host's)"
    if live > 0:
        return yes("limits", finding)
    command = "(Get-Cluster).MaximumParallelMigrations = 2" if ruled else "Set-VMHost -MaximumVirtualMachineMigrations 2"
    return no("limits", finding, on_host(case.address, command))


def credential_guard(case: HostCase) -> Cell:
    """Credential Guard forbids CredSSP to hand on what people logged on with."""
    guarded = case.told.credential_guard
    kind = case.seen.migration.authentication_type if case.seen else None
    if kind is AuthenticationType.KERBEROS:
        return yes("Credential Guard", "does not matter with Kerberos")
    if guarded is None or kind is None:
        command = r"(Get-CimInstance Win32_DeviceGuard -Namespace root\Microsoft\Windows\DeviceGuard).SecurityServicesRunning"
        return case.unread("Credential Guard", "Credential Guard", command)
    if not guarded:
        return yes("Credential Guard", "not running")
    command = on_host(case.address, "Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos")
    return no("Credential Guard", "it runs, and migrations are set to CredSSP", command)


def clock(case: HostCase) -> Cell:
    """Kerberos refuses whose clock is off by more than five minutes."""
    skew = case.told.clock_skew_seconds
    if skew is None:
        return case.unread("clock", "clock", "w32tm /query /status")
    if skew <= TOLERATED_SKEW_SECONDS:
        return yes("clock", f"within {max(1, round(skew))} s")
    return no("clock", f"it is {round(skew)} s from the controller's", on_host(case.address, "w32tm /resync /rediscover"))


CHECKS: tuple[Callable[[HostCase], Cell], ...] = (
    reachable,
    authenticated,
    hyper_v_module,
    power_shell,
    windows,
    quotas,
    migration_enabled,
    migration_networks,
    limits,
    credential_guard,
    clock,
)
