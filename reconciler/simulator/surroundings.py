"""What is around the simulated hosts and in no observation: their domain, who may speak for whom, open ports, quotas.

Everything is as the guide asks until a test or a fault says otherwise. Nothing here changes what a migration does: it is what
a diagnosis finds.
"""

from dataclasses import dataclass, field

from reconciler.hosts.port import Diagnose
from reconciler.model.diagnosis import Delegation, HostDiagnosis, PortTest, Quotas, ShareTest
from reconciler.simulator.paths import share_at
from reconciler.simulator.state import FleetState, HostState

MIGRATION_SERVICE = "Microsoft Virtual System Migration Service"
# What Windows Server 2012 R2 and later come with (learn.microsoft.com, win32/winrm/quotas and installation-and-configuration).
QUOTAS = Quotas(shells_per_user=30, processes_per_shell=25, memory_per_shell_mb=1024, operations_per_user=1500)


@dataclass(slots=True)
class Surroundings:
    """Names of hosts are case folded; pairs are source and destination. ``unreadable`` hosts tell nothing about themselves."""

    undelegated: set[tuple[str, str]] = field(default_factory=set)
    closed: set[tuple[str, str]] = field(default_factory=set)
    guarded: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    domains: dict[str, str | None] = field(default_factory=dict)
    forests: dict[str, tuple[str, ...]] = field(default_factory=dict)
    quotas: dict[str, Quotas] = field(default_factory=dict)
    directory_answers: bool = True

    def diagnose(self, fleet: FleetState, host: HostState, asked: Diagnose) -> HostDiagnosis:
        """Return what a host finds when it looks around itself."""
        name = host.name.casefold()
        domain = self.domains.get(name, _domain_of(host))
        processor = host.facts.processor_model if host.facts.processor_vendor else None
        return HostDiagnosis(
            domain=domain,
            forests=None if domain is None else self.forests.get(name, (domain,) if domain else ()),
            processors=None if processor is None else (processor,),
            credential_guard=None if name in self.unreadable else name in self.guarded,
            hyper_v_modules=None if name in self.unreadable else ("2.0.0.0", "1.1"),
            quotas=None if name in self.unreadable else self.quotas.get(name, QUOTAS),
            delegation=self._delegation(fleet, host) if self.directory_answers else None,
            ports=tuple(PortTest(address=peer, open=self._is_open(fleet, name, peer)) for peer in asked.peers),
            shares=tuple(ShareTest(path=path, reachable=_sees(fleet, name, path)) for path in asked.shares),
        )

    def _delegation(self, fleet: FleetState, host: HostState) -> Delegation:
        name = host.name.casefold()
        trusted = [one for one in fleet.hosts if one is not host and (name, one.name.casefold()) not in self.undelegated]
        names = [text for one in trusted for text in dict.fromkeys((one.name, one.facts.address or one.name))]
        return Delegation(
            services=tuple(f"{kind}/{text}" for text in names for kind in ("cifs", MIGRATION_SERVICE)), any_protocol=True
        )

    def _is_open(self, fleet: FleetState, name: str, peer: str) -> bool:
        found = fleet.host(peer)
        return found is not None and not found.unreachable and (name, found.name.casefold()) not in self.closed


def _domain_of(host: HostState) -> str:
    return (host.facts.address or "").partition(".")[2]


def _sees(fleet: FleetState, name: str, path: str) -> bool:
    share = share_at(fleet, path)
    return share is not None and name not in share.denied
