"""A whole fleet as documents that ask for just what is, and everything that could not be said, as warnings."""

from dataclasses import dataclass

from reconciler.importer.documents import Manifest
from reconciler.importer.hosts import cluster_manifests, host_manifest, host_problems
from reconciler.importer.locations import Location, locations_of, short_share_problems
from reconciler.importer.machines import Names, machine_manifest, unsettled
from reconciler.model.observation import Observation
from reconciler.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Wishes:
    """What to import beside placement and storage: settings of hosts and clusters; and whether roles are pinned to hosts."""

    host_settings: bool = False
    pin: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """The documents in the order they are written, the host of each machine's, and what was left out."""

    manifests: tuple[Manifest, ...]
    home: dict[str, str]
    problems: tuple[Problem, ...]


def import_fleet(fleet: Observation, wishes: Wishes = Wishes()) -> Imported:
    """Return the desired state that asks for what is observed and nothing else: its plan is empty."""
    locations = locations_of(fleet)
    hosts, problems = _hosts(fleet, locations, wishes)
    machines, home, left_out = _machines(fleet, {manifest.name for manifest in hosts}, wishes)
    manifests = (
        *cluster_manifests(fleet, settings=wishes.host_settings),
        *hosts,
        *(location.manifest for location in locations),
        *machines,
    )
    return Imported(manifests, home, (*problems, *short_share_problems(fleet), *left_out))


def _hosts(
    fleet: Observation, locations: tuple[Location, ...], wishes: Wishes
) -> tuple[tuple[Manifest, ...], tuple[Problem, ...]]:
    made = [
        (host, host_manifest(host, locations, fleet, settings=wishes.host_settings))
        for host in sorted(fleet.hosts, key=lambda host: host.name.casefold())
    ]
    problems = tuple(problem for host, manifest in made for problem in host_problems(host, manifest))
    return tuple(manifest for _, manifest in made if manifest is not None), problems


def _machines(
    fleet: Observation, imported: set[str], wishes: Wishes
) -> tuple[tuple[Manifest, ...], dict[str, str], tuple[Problem, ...]]:
    names, nowhere = Names(fleet), unsettled(fleet)
    manifests: list[Manifest] = []
    home: dict[str, str] = {}
    problems = list(nowhere.values())
    settled = [(host, machine) for host, machine in fleet.machines() if machine.id.casefold() not in nowhere]
    for host, machine in sorted(settled, key=lambda seen: (seen[1].name.casefold(), seen[1].id)):
        if host.name not in imported:
            continue
        manifest, left_out = machine_manifest(host, machine, names, pin=wishes.pin)
        problems += left_out
        if manifest is not None:
            manifests.append(manifest)
            home[manifest.name] = host.cluster if "cluster" in manifest.spec["placement"] and host.cluster else host.name
    return tuple(manifests), home, tuple(problems)
