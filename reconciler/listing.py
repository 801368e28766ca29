"""What a folder of YAML looks like from outside: names, sizes, times and numbers of its files, without opening one.

Tells which files are to be read, and whether they can be the ones of an earlier time. As in Git, a file that was changed just
before it was looked at is "racily clean": a change right after might leave all of that as it is, so nothing is concluded then.
"""

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct
from typing import Final

SUFFIXES: Final = (".yaml", ".yml")
# The coarsest times that file systems keep (FAT) are two seconds apart.
RESTING_NANOSECONDS: Final = 3_000_000_000
_FORMAT: Final = "reconciler-listing 1"


_SEEN: Final = Struct("<3q2Q")  # size, times of the last change of content and of any kind, number, device
_WIDEST: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Listing:
    """Files to read as (path, name that problems show), sorted by path below the folder; links that lead outside, by name.

    ``closed``: folders below that cannot be looked into, by name; what is in them is not known.
    ``seen``: what was seen of each file, in that order; ``newest``: the latest time among it, in nanoseconds since 1970.
    ``is_plain``: there is no link among them, so that what was seen is of the files themselves.
    """

    files: list[tuple[str, str]]
    outside: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    seen: bytes = b""
    newest: int = 0
    is_plain: bool = False

    def stamp(self, before: int) -> str | None:
        """Return a digest that changes whenever a file does; None where one may change unnoticed.

        ``before`` is a time (nanoseconds since 1970) at which the folder had not been looked at yet.
        """
        if not self.is_plain or not self.files or self.newest > before - RESTING_NANOSECONDS:
            return None
        digest = hashlib.sha256(f"{_FORMAT} {len(self.files)} ".encode())
        digest.update("\0".join(map("\0".join, self.files)).encode("utf-8", "surrogatepass"))
        digest.update(self.seen)
        return digest.hexdigest()


def list_folder(root: Path) -> Listing:
    """Return the ``*.yaml`` and ``*.yml`` files below a folder, each real file once; hidden files and folders are skipped."""
    above = shown(root / "x")[:-1]
    walk = _Walk(root)
    walk.plain.sort()
    if walk.others or walk.closed:
        return _with_links(walk, above)
    sizes_and_times = [seen for _, _, seen in walk.plain]
    newest = max((max(seen.st_mtime_ns, seen.st_ctime_ns) for seen in sizes_and_times), default=0)
    files = [(path, shown_text(above + relative)) for relative, path, _ in walk.plain]
    return Listing(files, seen=b"".join(map(_spelled, sizes_and_times)), newest=newest, is_plain=True)


def _with_links(walk: "_Walk", above: str) -> Listing:
    found: dict[str, tuple[str, str]] = {}
    outside: list[str] = []
    plain = [(relative, path, Path(path).resolve()) for relative, path, _ in walk.plain]
    for relative, path, target in sorted(plain + walk.others):
        name = shown_text(above + relative)
        if not target.is_relative_to(walk.inside):
            outside.append(name)
        elif not os.path.isdir(target):  # asked this way, what may not be looked at is none
            found.setdefault(str(target), (path, name))
    return Listing(list(found.values()), outside, [shown_text(above + relative) for relative in sorted(walk.closed)])


def _spelled(seen: os.stat_result) -> bytes:
    return _SEEN.pack(seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino & _WIDEST, seen.st_dev & _WIDEST)


def shown(path: Path) -> str:
    """Return a path as problems show it, with ``/``."""
    return shown_text(path.as_posix())


def shown_text(path: str) -> str:
    """Return a path as problems show it: text that can be written anywhere."""
    return path if path.isascii() else path.encode("utf-8", "replace").decode()


class _Walk:
    """YAML files and linked folders below a root. Linked folders are not entered, so no loop can catch us.

    ``plain``: path below the root, path, and what is seen of it, of files inside that are no link; ``others``: with the real
    path instead; ``closed``: folders that cannot be looked into. Tens of thousands of files make it worth while to resolve
    links only, and folders where Windows has links that do not look like one (junctions).
    """

    def __init__(self, root: Path) -> None:
        self.inside = root.resolve()
        self.plain: list[tuple[str, str, os.stat_result]] = []
        self.others: list[tuple[str, str, Path]] = []
        self.closed: list[str] = []
        self._above = len(os.path.join(root, ""))
        self._todo = [os.path.join(root, "")]
        while self._todo:
            self._enter(self._todo.pop())

    def _enter(self, here: str) -> None:
        below = here[self._above :].replace(os.sep, "/")
        is_inside = os.name != "nt" or Path(here).resolve().is_relative_to(self.inside)
        for entry in self._entries(here, below):
            name, path = entry.name, here + entry.name
            if name[0] == ".":
                continue
            is_link, is_folder = entry.is_symlink(), _is_folder(entry)
            if is_folder and not is_link:
                self._todo.append(path + os.sep)
            elif is_folder or name.lower().endswith(SUFFIXES):
                seen = _seen(path) if is_inside and not is_link else None
                if seen is not None:
                    self.plain.append((below + name, path, seen))
                else:
                    self.others.append((below + name, path, Path(path).resolve()))

    def _entries(self, folder: str, below: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return list(entries)
        except FileNotFoundError:  # it has gone since it was listed
            return []
        except OSError:
            self.closed.append(below)
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
