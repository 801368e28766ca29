"""Storage locations: the places that several machines or hosts share, each with a name of its own."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.importer.documents import Manifest, as_folder, can_be_said, folder_objection, told
from reconciler.model import paths
from reconciler.model.machine_files import files_of
from reconciler.model.observation import Host, Observation, VirtualMachine
from reconciler.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Location:
    """A named place and the hosts (names, case folded) that use it."""

    name: str
    path: str
    hosts: frozenset[str]

    @property
    def manifest(self) -> Manifest:
        """Its document."""
        return Manifest("StorageLocation", self.name, {"path": self.path})


def locations_of(observation: Observation) -> tuple[Location, ...]:
    """Return the shared places: shares first, then cluster shared volumes, then local folders, each by path.

    Shared is what two machines or two hosts use; a folder in which two machines have folders of their own counts.
    """
    found: dict[str, _Place] = {}
    for share in observation.shares:
        _place(found, _share_root(share.path)).hosts |= {host.casefold() for host in share.hosts}
    for cluster in observation.clusters:
        nodes = {host.name.casefold() for host in observation.hosts if _is_node(host, cluster.name)}
        for volume in cluster.shared_volumes:
            _place(found, volume.path).hosts |= nodes
    for host, machine in observation.machines():
        for root in _roots(machine):
            place = _place(found, root)
            place.hosts.add(host.name.casefold())
            place.machines.add(machine.id)
    shared = [place for place in found.values() if _is_shared(place) and _can_be_named(place.path)]
    return _named(sorted(shared, key=lambda place: (_rank(place.path), paths.normal(place.path))))


def short_share_problems(observation: Observation) -> tuple[Problem, ...]:
    """Return a warning for each share that is known by a server's short name; it is no location, whatever else is called so."""
    problems: list[Problem] = []
    full = {paths.server_of(share.path) or "" for share in observation.shares}
    for share in observation.shares:
        objection = folder_objection(paths.join(share.path, "x"))
        if objection and objection[0] == "smb-path-without-fqdn":
            server = paths.server_of(share.path) or ""
            same = sorted(name for name in full if name.startswith(f"{server}."))
            beside = f"; {same[0]} may be the same server, but is not taken for it" if same else ""
            finding = f"{share.path} is not imported: {objection[1]}{beside}"
            problems.append(told(objection[0], finding, "use the server's FQDN everywhere", f"share/{share.path}"))
    return tuple(problems)


@dataclass(slots=True)
class _Place:
    path: str
    hosts: set[str]
    machines: set[str]


def _place(found: dict[str, _Place], path: str) -> _Place:
    return found.setdefault(paths.normal(path), _Place(as_folder(path.replace("/", "\\")), set(), set()))


def _is_node(host: Host, cluster: str) -> bool:
    return host.cluster is not None and host.cluster.casefold() == cluster.casefold()


def _is_shared(place: _Place) -> bool:
    return len(place.machines) > 1 or len(place.hosts) > 1


def _can_be_named(path: str) -> bool:
    objection = folder_objection(paths.join(path, "x"))
    return objection is None and len(paths.normal(path)) > len("d:")


def _roots(machine: VirtualMachine) -> set[str]:
    """Return the places a machine's files lie in: shares, shared volumes, and the local folders around its own."""
    found = {root for file in files_of(machine) if file.path and not file.pass_through for root in _shared_root(file.path)}
    own = machine.configuration_path
    if own and not paths.is_smb(own) and not paths.is_cluster_volume(own):
        folder = as_folder(own)
        has_its_name = paths.file_of(folder).casefold() == machine.name.casefold()
        found.add(paths.folder_of(folder) if has_its_name else folder)
    return found


def _shared_root(path: str) -> Iterable[str]:
    if paths.share_of(path):
        yield _share_root(path)
    elif paths.is_cluster_volume(path):
        yield "\\".join(path.replace("/", "\\").split("\\")[:3])


def _share_root(path: str) -> str:
    r"""Return ``\\server\share`` as written."""
    return "\\\\" + "\\".join([part for part in path.replace("/", "\\").split("\\") if part][:2])


def _rank(path: str) -> int:
    return 0 if paths.is_smb(path) else 1 if paths.is_cluster_volume(path) else 2


def _named(places: list[_Place]) -> tuple[Location, ...]:
    short = Counter(_short_name(place.path).casefold() for place in places)
    taken: set[str] = set()
    return tuple(Location(_unique(place.path, short, taken), place.path, frozenset(place.hosts)) for place in places)


def _unique(path: str, short: Counter[str], taken: set[str]) -> str:
    """Return the last part of a path where that is unique, else with the server or all parts in front, else numbered."""
    name = _short_name(path)
    if short[name.casefold()] > 1:
        name = _long_name(path)
    wanted, number = name, 1
    while name.casefold() in taken or not can_be_said(Manifest("StorageLocation", name, {"path": path})):
        number += 1
        name = f"{wanted[:90]}-{number}" if name.casefold() in taken else f"storage-{number}"
    taken.add(name.casefold())
    return name


def _short_name(path: str) -> str:
    return paths.file_of(path) if paths.is_smb(path) or paths.is_cluster_volume(path) else _long_name(path)


def _long_name(path: str) -> str:
    server = (paths.server_of(path) or "").partition(".")[0]
    parts = [part.rstrip(":") for part in path.split("\\") if part]
    return "-".join([server, *parts[1:]] if server else parts)
