"""The whole matrix: every host of the desired state, every way that a machine needs."""

from collections.abc import Mapping

from reconciler.doctor.host_checks import HostCase, host_cells
from reconciler.doctor.way_checks import WayCase, way_cells
from reconciler.doctor.ways import Way
from reconciler.model.desired import Desired
from reconciler.model.diagnosis import Checkup, Diagnosed, HostCheckup, PairCheckup
from reconciler.model.drift import Drift
from reconciler.model.observation import Observation
from reconciler.plan.fleet import Fleet

NOT_ASKED = Diagnosed(finding="the host was not asked; a saved observation does not tell")


def examine(
    desired: Desired, observation: Observation, drift: Drift, ways: tuple[Way, ...], diagnosed: Mapping[str, Diagnosed]
) -> Checkup:
    """Return the checks of all hosts and ways; ``diagnosed`` by host name, hosts that were not asked left out."""
    fleet = Fleet(desired, observation, drift)
    cases = {
        host.name: HostCase(fleet, host.name, host.address, observation.host(host.name), diagnosed.get(host.name, NOT_ASKED))
        for host in desired.hosts
    }
    hosts = tuple(HostCheckup(host=name, cells=host_cells(case)) for name, case in cases.items())
    known = [way for way in ways if way.source in cases and way.destination in cases]
    pairs = tuple(
        PairCheckup(
            source=way.source,
            destination=way.destination,
            machines=tuple(machine.name for machine in way.machines),
            cells=way_cells(WayCase(fleet, way, cases[way.source], cases[way.destination])),
        )
        for way in known
    )
    return Checkup(hosts=hosts, pairs=pairs)
