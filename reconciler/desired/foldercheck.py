"""Every folder that the desired state names: FQDN of its server, no way up, not the root of a drive or share.

A short server name and its FQDN are two servers to Hyper-V, and a share by its short name breaks delegation.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from reconciler.desired.catalogue import Catalogue, Entry
from reconciler.desired.documents import Layout, Path
from reconciler.desired.hints import shown_path
from reconciler.desired.resolve import looks_like_path
from reconciler.model import paths
from reconciler.model.problem import Problem, Severity

_EXAMPLE: Final = "\\\\fileserver1.contoso.com\\smbshare"
_KINDS: Final = ("Host", "HostGroup", "StorageLocation", "VirtualMachine")
_FIELDS: Final = frozenset(
    ("path", "configurationPath", "checkpointPath", "smartPagingPath", "virtualMachinePath", "virtualHardDiskPath")
)

Folder = tuple[Entry, Path, str]


def folder_problems(catalogue: Catalogue) -> list[Problem]:
    """Return what is wrong with the folders that sound documents name."""
    folders = [folder for kind in _KINDS for entry in catalogue.sound(kind) for folder in _folders(entry)]
    full_names = _full_names(folders)
    return [problem for folder in folders for problem in _problems(folder, full_names)]


def _folders(entry: Entry) -> Iterator[Folder]:
    for path in _folder_paths(entry.document.layout):
        value = _at(entry, path)
        if isinstance(value, str) and looks_like_path(value):
            yield entry, path, value


@lru_cache(maxsize=4096)
def _folder_paths(layout: Layout) -> tuple[Path, ...]:
    """Return the paths of a layout whose values are folders; worked out once for all documents that are laid out alike."""
    return tuple(path for path in layout.paths if path[:1] == ("spec",) and "matchLabels" not in path and _is_folder(path))


def _is_folder(path: Path) -> bool:
    return path[-1] in _FIELDS or (len(path) > 2 and path[-2] == "locations")


def _at(entry: Entry, path: Path) -> object:
    value = entry.document.data
    for part in path:
        value = value[part]
    return value


def _full_names(folders: list[Folder]) -> dict[str, str]:
    """Return the FQDNs in use, by the short name they begin with."""
    servers = (paths.server_of(value) for _, _, value in folders)
    full = sorted({server for server in servers if server and _is_full(server)}, reverse=True)
    return {server.partition(".")[0]: server for server in full}


def has_full_server_name(path: str) -> bool:
    """Tell whether an SMB path names its server by FQDN."""
    return _is_full(paths.server_of(path) or "")


def _is_full(server: str) -> bool:
    # An IP address has dots too, but no Kerberos ticket is issued for it.
    return "." in server.strip(".") and not server.replace(".", "").isdigit()


def _problems(folder: Folder, full_names: dict[str, str]) -> Iterator[Problem]:
    entry, path, value = folder
    field = shown_path(path)
    server = paths.server_of(value)
    if not _is_absolute(value):
        yield entry.problem("relative-path", path, f"{field} is '{value}', which is not absolute", _absolute_remedy())
    elif server is not None and not _is_full(server):
        yield _short_server(folder, server, full_names)
    elif {".", ".."} & set(value.replace("/", "\\").split("\\")):
        finding = f"{field} is '{value}', with a step that depends on another folder"
        yield entry.problem("relative-path", path, finding, "write the folder out")
    elif entry.kind == "VirtualMachine" and is_root(value):
        yield _root(folder)


def _is_absolute(value: str) -> bool:
    return (value[1:2] == ":" and value[2:3] in ("\\", "/")) or bool(paths.share_of(value))


def _absolute_remedy() -> str:
    return f"give a path such as D:\\Hyper-V or {_EXAMPLE}; in single quotes or none, for double quotes swallow backslashes"


def _short_server(folder: Folder, server: str, full_names: dict[str, str]) -> Problem:
    entry, path, value = folder
    rest = value.replace("/", "\\")[2:].partition("\\")[2]
    full = full_names.get(server)
    if full:
        finding = (
            f"{shown_path(path)} is '{value}', but elsewhere the server is named {full}: Hyper-V takes these for two servers"
        )
        return entry.problem("short-server-name", path, finding, f"write \\\\{full}\\{rest}")
    finding = f"{shown_path(path)} is '{value}', which names its server without a domain"
    return entry.problem("smb-path-without-fqdn", path, finding, f"use the FQDN, for example {_EXAMPLE}")


def is_root(value: str) -> bool:
    """Tell whether a folder is the root of a drive or share."""
    normal = paths.normal(value)
    return len(normal) == 2 or normal == paths.share_of(value)


def _root(folder: Folder) -> Problem:
    entry, path, value = folder
    kind = "a share" if paths.is_smb(value) else "a drive"
    finding = f"{shown_path(path)} is '{value}', the root of {kind}: files of several machines would mix there"
    remedy = f"give the machine a folder of its own, such as {paths.join(value, entry.name)}"
    return entry.problem("root-folder", path, finding, remedy, Severity.WARNING)
