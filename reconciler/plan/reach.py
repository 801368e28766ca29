"""Whether a host reaches a path: local and the host stays, a shared volume of one cluster, or an SMB share it uses."""

from collections.abc import Sequence

from reconciler.model import paths
from reconciler.model.observation import VirtualMachine
from reconciler.model.plan import StorageMove
from reconciler.plan.fleet import Fleet


def stays_reachable(fleet: Fleet, path: str, source: str, destination: str) -> bool:
    """Tell whether a file may stay where it is when its machine goes from one host to another."""
    if source.casefold() == destination.casefold():
        return True
    if paths.is_smb(path):
        return _uses_share(fleet, destination, path)
    return paths.is_cluster_volume(path) and fleet.same_cluster(source, destination)


def moves_apart(fleet: Fleet, machine: VirtualMachine, moves: Sequence[StorageMove], source: str, destination: str) -> bool:
    """Tell whether files may go before their machine does: no role is in the way, and both hosts mean the same places."""
    if source.casefold() == destination.casefold() or not moves or machine.highly_available:
        return False
    return are_one_place(fleet, moves, source, destination)


def are_one_place(fleet: Fleet, moves: Sequence[StorageMove], source: str, destination: str) -> bool:
    """Tell whether both hosts reach every place that files go to, and mean the same by it."""
    targets = [move.target for move in moves]
    return all(can_write(fleet, source, path) and stays_reachable(fleet, path, source, destination) for path in targets)


def can_write(fleet: Fleet, host: str, path: str) -> bool:
    """Tell whether a host can put files at a path: a share it uses, a volume of its cluster, or a drive it has.

    A host or cluster that reports no volumes at all is taken at its word that the path exists.
    """
    if paths.is_smb(path):
        return _uses_share(fleet, host, path)
    cluster = fleet.cluster_of(host)
    if paths.is_cluster_volume(path) and cluster is not None:
        known = fleet.observation.cluster(cluster)
        volumes = known.shared_volumes if known else ()
    else:
        observed = fleet.observation.host(host)
        volumes = observed.storage.volumes if observed else ()
    return not volumes or any(paths.is_within(path, volume.path) for volume in volumes)


def _uses_share(fleet: Fleet, host: str, path: str) -> bool:
    share = paths.share_of(path)
    return share is not None and fleet.uses_share(host, share)


def is_clustered(fleet: Fleet, host: str, path: str) -> bool:
    """Tell whether a path suits a cluster role on a node: a share, or a shared volume of the node's cluster."""
    return paths.is_smb(path) or (paths.is_cluster_volume(path) and fleet.cluster_of(host) is not None)
