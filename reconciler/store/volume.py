"""Whether a volume can carry a store: SQLite's write-ahead log needs memory that is shared, which network file systems lack."""

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Final

NETWORK_TYPES: Final = frozenset(
    {"afs", "cifs", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "fuse.sshfs", "fuse.glusterfs", "fuse.davfs"}
)
MOUNTS: Final = Path("/proc/mounts")
DRIVE_REMOTE: Final = 4  # GetDriveTypeW


def network_type(folder: Path) -> str | None:
    """Return the type of network file system that an existing folder is on; None for a local one, or where nobody can tell."""
    if sys.platform == "win32":
        return "network share" if _is_remote(str(folder)) else None
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    return network_type_by(mounts, str(folder.resolve()))


def network_type_by(mounts: str, folder: str) -> str | None:
    """Return the same from the text of ``/proc/mounts``; the longest mount point above counts, the last of equals."""
    best: tuple[int, str] = (-1, "")
    for point, kind in _mounts(mounts):
        if (folder == point or folder.startswith(point.rstrip("/") + "/")) and len(point) >= best[0]:
            best = (len(point), kind)
    return best[1] if best[1] in NETWORK_TYPES else None


def _mounts(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 3:
            # The kernel writes blanks and backslashes of a path as octal numbers.
            yield fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"), fields[2]


def _is_remote(folder: str) -> bool:
    drive = PureWindowsPath(folder).drive
    if drive.startswith("\\\\"):
        return True
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - absent elsewhere, where types are checked
    return bool(kernel.GetDriveTypeW(f"{drive}\\") == DRIVE_REMOTE)
