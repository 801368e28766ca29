"""Which host reaches which path, in plain words: its own drives, its cluster's volumes, shares it lists or is seen using."""

from reconciler.audit.case import Case, files_of
from reconciler.model import paths


def reaches(path: str, host: str, case: Case) -> bool:
    """Tell whether a host can hold or open files at a path."""
    if paths.is_smb(path):
        return _reaches_share(path, host, case)
    if paths.is_cluster_volume(path):
        return _has_shared_volume(path, host, case)
    seen = case.observation.host(host)
    volumes = seen.storage.volumes if seen else ()
    return not volumes or any(paths.is_within(path, volume.path) for volume in volumes)


def stays_reachable(path: str, source: str, destination: str, case: Case) -> bool:
    """Tell whether a file that stays where it is can be opened from the new host as from the old one."""
    if paths.is_smb(path):
        return _reaches_share(path, destination, case)
    cluster = case.cluster_of(source)
    same = cluster is not None and cluster == case.cluster_of(destination)
    return paths.is_cluster_volume(path) and same and _has_shared_volume(path, destination, case)


def _reaches_share(path: str, host: str, case: Case) -> bool:
    wanted, seen = case.desired.host(host), case.observation.host(host)
    listed = any(paths.is_within(path, location) for location in (wanted.storage.locations if wanted else ()))
    uses = any(host.casefold() in users for folder, users in case.share_users if paths.is_within(path, folder))
    if listed or uses:
        return True
    machines = seen.virtual_machines if seen else ()
    used = {paths.share_of(file) for machine in machines for file in files_of(machine).values() if paths.is_smb(file)}
    return paths.share_of(path) in used


def _has_shared_volume(path: str, host: str, case: Case) -> bool:
    name = case.cluster_of(host)
    cluster = case.observation.cluster(name) if name else None
    if cluster is None:
        return False
    volumes = cluster.shared_volumes
    return not volumes or any(paths.is_within(path, volume.path) for volume in volumes)
