"""The rim around loading: a folder of YAML to a desired state, with answers kept in a folder of the user's cache.

An answer is found by the content of all files, and that in turn by how the folder looks from outside (``listing``): where no
file has changed, none is opened.

An entry holds names and paths of the fleet, so the folder is the user's alone. Entries of another version of this program
are never seen: its code is part of the folder's name. Losing the folder costs time, nothing else.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from reconciler.collector import collector_at_rest
from reconciler.desired import Cache, Loaded, SourceFile, load_desired
from reconciler.desired.cache import recall
from reconciler.desired.schemas import schema_names, schema_text
from reconciler.files import read_folder, read_listed
from reconciler.listing import list_folder
from reconciler.model.problem import Problem

# Answers, each about 300 bytes per machine, and how the folder looked; a few, so that going back and forth between branches
# stays fast.
ENTRIES_KEPT: Final = 16
_LISTED: Final = "listed "
_SUFFIX: Final = ".entry"
_VARIABLE: Final = "RECONCILER_CACHE"


def load_folder(folder: Path, kept: Cache | None = None, now: Callable[[], int] = time.time_ns) -> Loaded:
    """Return the desired state of a folder and all its problems, those of reading first; None where any is an error.

    ``now`` tells nanoseconds since 1970: files changed just before are read, for another change might not show.
    """
    if kept is None or not folder.is_dir():
        return _loaded(*read_folder(folder), kept)
    before = now()
    with collector_at_rest():
        listing = list_folder(folder)
        stamp = listing.stamp(before)
        if stamp is not None and (answer := _unchanged(kept, stamp)) is not None:
            return answer
    noted = _Noted(kept)
    files, unreadable = read_listed(listing)
    loaded = _loaded(files, unreadable, noted)
    if stamp is not None and noted.key is not None and not unreadable:
        kept.write(stamp, f"{_LISTED}{noted.key}".encode())
    return loaded


def _loaded(files: list[SourceFile], unreadable: list[Problem], kept: Cache | None) -> Loaded:
    if unreadable and not files:
        return Loaded(None, tuple(unreadable))  # that nothing is managed would be a second name for the same trouble
    with collector_at_rest():
        loaded = load_desired(files, cache=kept)
    if not unreadable:
        return loaded
    return Loaded(None, (*unreadable, *loaded.problems))


def _unchanged(kept: Cache, stamp: str) -> Loaded | None:
    """Return the answer that was given when the folder looked just like this, if it is still kept."""
    key = (kept.read(stamp) or b"").decode("ascii", "replace")
    return recall(kept, key.removeprefix(_LISTED), Loaded) if key.startswith(_LISTED) else None


class _Noted:
    """A cache that notes under which key an answer was asked for."""

    def __init__(self, kept: Cache) -> None:
        self._kept = kept
        self.key: str | None = None

    def read(self, key: str) -> bytes | None:
        self.key = key
        return self._kept.read(key)

    def write(self, key: str, entry: bytes) -> None:
        self._kept.write(key, entry)


def user_cache(environ: Mapping[str, str]) -> "FolderCache | None":
    """Return the user's cache: in RECONCILER_CACHE (empty: none), else where the system keeps caches; None without a home."""
    if _VARIABLE in environ:
        given = environ[_VARIABLE]
        return FolderCache(Path(given)) if given else None
    if environ.get("XDG_CACHE_HOME") or environ.get("LOCALAPPDATA"):
        return FolderCache(Path(environ.get("XDG_CACHE_HOME") or environ["LOCALAPPDATA"]) / "reconciler")
    return FolderCache(Path(environ["HOME"]) / ".cache" / "reconciler") if environ.get("HOME") else None


class FolderCache:
    """Entries as files, the newest few of them; whatever goes wrong with them is as if there were none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, key: str) -> bytes | None:
        """Return the entry, or None; reading makes it the newest."""
        path = self._path(key)
        try:
            entry = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return entry

    def write(self, key: str, entry: bytes) -> None:
        """Put the entry in its place at once or not at all, and let go of the oldest."""
        path = self._path(key)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=path.parent, suffix=".new")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(entry)
                os.replace(name, path)
            except OSError:
                os.unlink(name)
                raise
            self._let_go(path.parent)

    def _path(self, key: str) -> Path:
        return self._folder / f"desired-{code_digest()[:16]}" / f"{key}{_SUFFIX}"

    def _let_go(self, folder: Path) -> None:
        newest = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in newest[ENTRIES_KEPT:]:
            path.unlink()


@cache
def code_digest() -> str:
    """Return a digest of all that an answer depends on beside the files: the code of loading, the model and the schemas."""
    digest = hashlib.sha256()
    for package in ("desired", "model"):
        modules = (one for one in (resources.files("reconciler") / package).iterdir() if one.name.endswith(".py"))
        for module in sorted(modules, key=_name):
            digest.update(module.read_bytes())
    for name in schema_names():
        digest.update(schema_text(name).encode())
    return digest.hexdigest()


def _name(module: Traversable) -> str:
    return module.name
