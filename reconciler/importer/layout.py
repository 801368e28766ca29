"""Which documents go into which files, and names for files that every system takes."""

import re
from enum import StrEnum

from reconciler.importer.documents import Manifest
from reconciler.importer.fleet import Imported

FOLDERS = {"Cluster": "clusters", "Host": "hosts", "StorageLocation": "storage", "VirtualMachine": "vms"}
# Windows gives these to devices, whatever the ending.
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


class Layout(StrEnum):
    """How the documents are spread over files."""

    EACH = "each"  # one file for each host and machine
    GROUPED = "grouped"  # one file for each kind, machines by the host or cluster they are placed on
    ONE = "one"  # a single file


def files_for(imported: Imported, layout: Layout) -> dict[str, list[Manifest]]:
    """Return the documents by file, a relative path with ``/``; files and their documents in the order of the import."""
    paths = _FilePaths()
    files: dict[str, list[Manifest]] = {}
    for manifest in imported.manifests:
        files.setdefault(paths.of(manifest, imported.home, layout), []).append(manifest)
    return files


class _FilePaths:
    """File names by what goes into them; two that differ only in case get different ones."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()

    def of(self, manifest: Manifest, home: dict[str, str], layout: Layout) -> str:
        if layout is Layout.ONE:
            return self._path("", "fleet")
        if manifest.kind == "StorageLocation" or (layout is Layout.GROUPED and manifest.kind != "VirtualMachine"):
            return self._path("", FOLDERS[manifest.kind])
        name = home[manifest.name] if layout is Layout.GROUPED else manifest.name
        return self._path(FOLDERS[manifest.kind], name)

    def _path(self, folder: str, name: str) -> str:
        key = (folder, name)
        if key not in self._by_key:
            self._by_key[key] = self._free(f"{folder}/" if folder else "", file_name(name))
        return self._by_key[key]

    def _free(self, folder: str, name: str) -> str:
        path, number = f"{folder}{name}.yaml", 1
        while path.casefold() in self._taken:
            number += 1
            path = f"{folder}{name}-{number}.yaml"
        self._taken.add(path.casefold())
        return path


def file_name(name: str) -> str:
    """Return a name as a file name without ending: letters, digits, ``. _ -``; never hidden, never a device of Windows."""
    plain = re.sub(r"[^\w.-]+", "-", name).strip(".-")[:80].strip(".-") or "unnamed"
    return f"{plain}-" if DEVICES.match(plain) else plain
