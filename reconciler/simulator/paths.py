"""Where files lie in the simulated fleet: which volume a path is on for a host, and who reaches it.

A local path means another place on every host, a path on a cluster shared volume one place per cluster, a path on a share
one place for all.
"""

from collections.abc import Iterable
from typing import TypeVar

from reconciler.model import paths
from reconciler.model.observation import VirtualMachine
from reconciler.simulator.state import ClusterState, FleetState, HostState, ShareState, VolumeState

Place = tuple[str, str]
V = TypeVar("V", bound=VolumeState)


def place_of(host: HostState, path: str) -> Place:
    """Return what tells two files apart: whose storage the path is on, and the normalised path."""
    if paths.is_smb(path):
        owner = "share"
    elif paths.is_cluster_volume(path) and host.cluster is not None:
        owner = f"cluster/{host.cluster.name.casefold()}"
    else:
        owner = f"host/{host.name.casefold()}"
    return owner, paths.normal(path)


def volume_of(fleet: FleetState, host: HostState, path: str) -> VolumeState | None:
    """Return the volume that a path of this host is on, or None where nobody listed it."""
    if paths.is_smb(path):
        return _deepest(fleet.shares, path)
    if paths.is_cluster_volume(path):
        return _deepest(host.cluster.volumes, path) if host.cluster else None
    return _deepest(host.volumes, path)


def share_at(fleet: FleetState, path: str) -> ShareState | None:
    """Return the share that a path is on, or None where it is on none that was listed."""
    return _deepest(fleet.shares, path) if paths.is_smb(path) else None


def stays_in_reach(fleet: FleetState, source: HostState, destination: HostState, path: str) -> bool:
    """Tell whether a file of a machine on ``source`` can stay where it is when the machine goes to ``destination``."""
    if source is destination:
        return True
    if paths.is_smb(path):
        return _may_use(fleet, destination, path)
    return paths.is_cluster_volume(path) and source.cluster is not None and source.cluster is destination.cluster


def can_hold(fleet: FleetState, host: HostState, path: str) -> bool:
    """Tell whether the host can write to a path; where its volumes were never listed, that is believed."""
    if paths.is_smb(path):
        return paths.share_of(path) is not None and _may_use(fleet, host, path)
    if paths.is_cluster_volume(path):
        return host.cluster is not None and _listed(host.cluster.volumes, path)
    return paths.volume_of(path).endswith(":") and _listed(host.volumes, path)


def is_clustered_path(host: HostState, path: str) -> bool:
    """Tell whether the path is fit for a cluster role of this node: on a share, or a shared volume of its own cluster."""
    return paths.is_smb(path) or (paths.is_cluster_volume(path) and _listed(_volumes(host.cluster), path))


def all_files(machine: VirtualMachine) -> list[str]:
    """Return the paths of all disks and folders of a machine that are known."""
    folders = (machine.configuration_path, machine.checkpoint_path, machine.smart_paging_path)
    return [path for path in (*(disk.path for disk in machine.disks), *folders) if path]


def _volumes(cluster: ClusterState | None) -> list[VolumeState]:
    return cluster.volumes if cluster else []


def _listed(volumes: list[VolumeState], path: str) -> bool:
    return not volumes or _deepest(volumes, path) is not None


def _may_use(fleet: FleetState, host: HostState, path: str) -> bool:
    share = share_at(fleet, path)
    return share is None or host.name.casefold() not in share.denied


def _deepest(volumes: Iterable[V], path: str) -> V | None:
    """The deepest counts: a volume may be mounted in a folder of another."""
    return max(
        (volume for volume in volumes if paths.is_within(path, volume.path)),
        key=lambda volume: len(paths.normal(volume.path)),
        default=None,
    )
