"""What *in place* means, said once more in plain words: an allowed host, and each file in its folder or below it."""

from collections.abc import Iterator

from reconciler.audit.case import FOLDERS, Case, Stand
from reconciler.model import paths
from reconciler.model.desired import StoragePlacement
from reconciler.model.desired import VirtualMachine as Managed


def in_place(machine: str, stand: Stand, case: Case, *, drained: bool = True) -> bool:
    """Tell whether a managed machine stands where it should; ``drained``: a host in maintenance is no place to stay."""
    wanted = case.managed[machine]
    host = case.desired.host(stand.host)
    if drained and host is not None and host.maintenance:
        return False
    return placement_allows(machine, stand.host, case) and storage_fits(wanted.storage, stand)


def seen_in_place(case: Case) -> dict[str, str]:
    """Return the managed machines that were observed where they should stand and nowhere else, with their hosts (case folded).

    Their hosts may be in maintenance.
    """
    if case.seen_in_place is None:
        seen = case.seen
        case.seen_in_place = {
            machine: seen[machine][0][0].name.casefold()
            for machine, wanted in case.managed.items()
            if len(seen[machine]) == 1 and _fits(machine, wanted, case)
        }
    return case.seen_in_place


def _fits(machine: str, wanted: Managed, case: Case) -> bool:
    """Tell whether the one place where a machine was observed is where it should stand."""
    if not placement_allows(machine, case.seen[machine][0][0].name, case):
        return False
    return wanted.storage.is_unmanaged or (
        (stand := case.first_stand(machine)) is not None and storage_fits(wanted.storage, stand)
    )


def placement_allows(machine: str, host: str, case: Case) -> bool:
    """Tell whether the placement names the host; no placement allows every host."""
    placement = case.managed[machine].placement
    return placement is None or placement.allows(host)


def storage_fits(wanted: StoragePlacement, stand: Stand) -> bool:
    """Tell whether every known file lies in the folder asked for, or below it."""
    if wanted.is_unmanaged:
        return True
    return all(folder is None or paths.is_within(path, folder) for path, folder in _wanted(wanted, stand))


def _wanted(wanted: StoragePlacement, stand: Stand) -> Iterator[tuple[str, str | None]]:
    own = dict(zip(FOLDERS, (wanted.configuration_path, wanted.checkpoint_path, wanted.smart_paging_path), strict=True))
    disks, parents = {disk.file.casefold(): disk.path for disk in wanted.disks}, stand.parents
    for key, path in stand.files.items():
        special = own.get(key)
        if disks and key not in FOLDERS:
            # People name a disk that has a checkpoint by the file below, which keeps its name.
            names = (paths.file_of(one).casefold() for one in (path, parents.get(key, "")))
            special = next((disks[name] for name in names if name in disks), None)
        yield path, special or wanted.path
