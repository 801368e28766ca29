"""What a folder of YAML looks like from outside: names, sizes, times and numbers of its files, without opening one.

Tells which files are to be read, and whether they can be the ones of an earlier time. As in Git, a file that was changed just
before it was looked at is "racily clean": a change right after might leave all of that as it is, so nothing is concluded then.
"""

import hashlib
import os
import stat
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SUFFIXES: Final = (".yaml", ".yml")
# The coarsest times that file systems keep (FAT) are two seconds apart.
RESTING_NANOSECONDS: Final = 3_000_000_000
_FORMAT: Final = "reconciler-listing 1"


@dataclass(slots=True)
class Listing:
    """Files to read as (path, name that problems show), sorted by path below the folder; links that lead outside, by name.

    ``seen``: what was seen of each file, in that order; ``newest``: the latest time among it, in nanoseconds since 1970.
    ``is_plain``: there is no link among them, so that what was seen is of the files themselves.
    """

    files: list[tuple[str, str]] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    seen: "array[int]" = field(default_factory=lambda: array("Q"))
    newest: int = 0
    is_plain: bool = True

    def stamp(self, before: int) -> str | None:
        """Return a digest that changes whenever a file does; None where one may change unnoticed.

        ``before`` is a time (nanoseconds since 1970) at which the folder had not been looked at yet.
        """
        if not self.is_plain or not self.files or self.newest > before - RESTING_NANOSECONDS:
            return None
        digest = hashlib.sha256(f"{_FORMAT} {len(self.files)} ".encode())
        digest.update("\0".join(f"{path}\0{name}" for path, name in self.files).encode("utf-8", "surrogatepass"))
        digest.update(self.seen.tobytes())
        return digest.hexdigest()


def list_folder(root: Path) -> Listing:
    """Return the ``*.yaml`` and ``*.yml`` files below a folder, each real file once; hidden files and folders are skipped."""
    inside, above = root.resolve(), shown(root / "x")[:-1]
    found: dict[str, tuple[str, str, os.stat_result | None]] = {}
    listing = Listing()
    for relative, path, seen, target in sorted(_yaml_paths(root, inside), key=lambda one: one[0]):
        name = shown_text(above + relative)
        if isinstance(target, Path) and not target.is_relative_to(inside):
            listing.outside.append(name)
        elif isinstance(target, str) or not target.is_dir():
            found.setdefault(str(target), (path, name, seen))
    for path, name, known in found.values():
        listing.files.append((path, name))
        _look_at(listing, known)
    listing.is_plain = listing.is_plain and not listing.outside
    return listing


def shown(path: Path) -> str:
    """Return a path as problems show it, with ``/``."""
    return shown_text(path.as_posix())


def shown_text(path: str) -> str:
    """Return a path as problems show it: text that can be written anywhere."""
    return path if path.isascii() else path.encode("utf-8", "replace").decode()


def _look_at(listing: Listing, seen: os.stat_result | None) -> None:
    """Remember what is seen of a file; its number and the time of its last change of any kind tell a file put in its place."""
    if seen is None:
        listing.is_plain = False
        return
    times = seen.st_mtime_ns, seen.st_ctime_ns
    listing.newest = max(listing.newest, *times)
    # A time before 1970 or a number wider than 64 bits still tells one from another.
    listing.seen.extend(number & (2**64 - 1) for number in (seen.st_size, *times, seen.st_ino, seen.st_dev))


def _yaml_paths(root: Path, inside: Path) -> Iterator[tuple[str, str, os.stat_result | None, Path | str]]:
    """Give YAML files and linked folders below a root: path below it, path, what is seen of it, real path.

    A real path that is text is of a plain file inside; only of those something is seen. Linked folders are not entered, so no
    loop can catch us. Tens of thousands of files make it worth while to resolve links only, and folders where Windows has
    links that do not look like one (junctions).
    """
    above = len(os.path.join(root, ""))
    todo = [(os.path.join(root, ""), str(inside))]
    while todo:
        here, real = todo.pop()
        if os.name == "nt":
            real = str(Path(here).resolve())
        is_inside = os.name != "nt" or Path(real).is_relative_to(inside)
        below = here[above:].replace(os.sep, "/")
        for entry in _entries(here):
            name = entry.name
            if name.startswith("."):
                continue
            is_link, is_folder = entry.is_symlink(), _is_folder(entry)
            if is_folder and not is_link:
                todo.append((os.path.join(here, name, ""), os.path.join(real, name)))
            elif is_folder or name.lower().endswith(SUFFIXES):
                seen = _seen(here + name) if is_inside and not is_link else None
                yield below + name, here + name, seen, Path(here + name).resolve() if seen is None else os.path.join(real, name)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _seen(path: str) -> os.stat_result | None:
    """Return what is seen of a plain file; None of anything else, or where it has gone since it was listed."""
    try:
        seen = os.lstat(path)
    except OSError:
        return None
    return seen if stat.S_ISREG(seen.st_mode) else None
