"""Windows paths compared the way Hyper-V administrators mean them: case and trailing separators do not matter.

Pure text rules; no file is touched. A short server name never equals its FQDN (VMM guide: always use the FQDN),
so ``\\\\fs\\vms`` and ``\\\\fs.contoso.com\\vms`` are different folders here.
"""

import re
from functools import lru_cache

CLUSTER_STORAGE = "c:\\clusterstorage\\"


@lru_cache(maxsize=65536)
def normal(path: str) -> str:
    r"""Return the comparable form: ``/`` as ``\``, repeated and trailing separators dropped, case folded."""
    text = path.replace("/", "\\")
    lead = "\\\\" if text.startswith("\\\\") else ""
    body = text[len(lead) :]
    if "\\\\" in body:
        body = re.sub(r"\\+", r"\\", body)
    body = body.rstrip("\\").lstrip("\\" if lead else "")
    return (lead + body).casefold()


def same(first: str, second: str) -> bool:
    """Tell whether two paths name one place."""
    return normal(first) == normal(second)


def is_within(path: str, folder: str) -> bool:
    """Tell whether ``path`` is ``folder`` or lies anywhere below it."""
    inner, outer = normal(path), normal(folder)
    return inner == outer or inner.startswith(outer + "\\")


def folder_of(path: str) -> str:
    r"""Return the folder of a file path, as written: ``D:\VMs\web\os.vhdx`` gives ``D:\VMs\web``."""
    return path.replace("/", "\\").rpartition("\\")[0]


def file_of(path: str) -> str:
    r"""Return the file name of a path, as written: ``D:\VMs\web\os.vhdx`` gives ``os.vhdx``."""
    return path.replace("/", "\\").rpartition("\\")[2]


def join(folder: str, *names: str) -> str:
    """Return ``folder`` with names appended, separated once."""
    return "\\".join([folder.replace("/", "\\").rstrip("\\"), *names])


def is_smb(path: str) -> bool:
    """Tell whether the path is a UNC path (an SMB share)."""
    return path[:2].replace("/", "\\") == "\\\\"


def is_cluster_volume(path: str) -> bool:
    r"""Tell whether the path lies on a cluster shared volume (``C:\ClusterStorage\...``)."""
    return normal(path).startswith(CLUSTER_STORAGE)


def share_of(path: str) -> str | None:
    r"""Return the normalised ``\\server\share`` of a UNC path, or None for any other path."""
    return _share_of_unc(_head(path)) if is_smb(path) else None


def _head(path: str) -> str:
    """Return as much of a UNC path as its share can depend on: one text for all files of a share, so that a cache helps."""
    text = path.replace("/", "\\") if "/" in path else path
    end = text.find("\\", text.find("\\", 2) + 1)
    if end < 0 or "\\\\" in text[1 : end + 1]:
        return text  # repeated separators count as one, so the share may end further on
    return text[:end]


@lru_cache(maxsize=4096)
def _share_of_unc(path: str) -> str | None:
    parts = normal(path)[2:].split("\\")
    return "\\\\" + "\\".join(parts[:2]) if len(parts) >= 2 and parts[1] else None


def server_of(path: str) -> str | None:
    """Return the normalised server name of a UNC path, or None for any other path."""
    return normal(path)[2:].split("\\")[0] if is_smb(path) else None


def volume_of(path: str) -> str:
    r"""Return the normalised root that free space is counted for: the share, the CSV folder, or the drive (``d:``)."""
    share = share_of(path)
    if share:
        return share
    text = normal(path)
    if is_cluster_volume(path):
        return "\\".join(text.split("\\")[:3])
    return text.split("\\")[0]
