"""What SQLite and the system say when a store cannot be used, as problems with a place and a remedy."""

import sqlite3
import zlib
from pathlib import Path

from reconciler.model.problem import Problem
from reconciler.store.port import StoreError

KEEP = "its bytes are left as they are"
ASIDE = (
    "put the file aside together with its -wal, -shm and .head files (move them, do not delete: they can still be read), then "
    "put back a backup, or start without: history, runtime holds and settings of roles that were taken off are lost, no more"
)

# By the beginning of SQLite's name for the error, the most special first: our code, what it means, what to do.
RIVAL = ("store-locked", "another process holds it for writing", "look who has it open (lsof, handle.exe), then try again")
FAULTS = (
    ("SQLITE_FULL", "store-full", "there is no room to write", "make room on its volume; what was written before is safe"),
    ("SQLITE_READONLY", "store-read-only", "the file may not be written", "make it writable, or name another with --state"),
    ("SQLITE_BUSY", *RIVAL),
    ("SQLITE_LOCKED", *RIVAL),
    ("SQLITE_NOTADB", "store-damaged", f"this is no store, or a damaged one; {KEEP}", ASIDE),
    ("SQLITE_CORRUPT", "store-damaged", f"the file is damaged; {KEEP}", ASIDE),
    ("SQLITE_IOERR", "store-io", "the system could not read or write it", "look at the volume and its logs; then start again"),
    ("SQLITE_CANTOPEN", "store-cannot-open", "it cannot be opened", "look at its path, folder and permissions, or use --state"),
    ("SQLITE_PERM", "store-cannot-open", "it cannot be opened", "look at its path, folder and permissions, or use --state"),
)
# What reading bytes that are no entry of ours can raise, from SQLite, from Python's own conversion of text, from ours.
UNREADABLE = (sqlite3.Error, ValueError, TypeError, zlib.error)
# After these the same file may work in the next moment; after anything else a connection is not trusted again.
PASSING = ("store-full", "store-locked", "store-read-only")


def store_error(path: Path, code: str, finding: str, remedy: str) -> StoreError:
    """Return the error to raise about a store at ``path``."""
    return StoreError(Problem(code, finding, remedy, subject=f"store {path}"))


def from_sqlite(path: Path, error: Exception, doing: str) -> StoreError:
    """Return what an error of SQLite, or one of ``UNREADABLE``, means; ``doing`` is what was not done ("written", "read")."""
    name = getattr(error, "sqlite_errorname", None) or ""
    for begins, code, finding, remedy in FAULTS:
        if name.startswith(begins):
            return store_error(path, code, f"not {doing}: {finding} ({error})", remedy)
    if doing == "read":  # what we ask is fixed, so if it makes no sense, then because of what is in the file
        return store_error(path, "store-damaged", f"its content makes no sense ({error}); {KEEP}", ASIDE)
    return store_error(path, "store-failed", f"not {doing}: {error}", "look at the file and its volume; then start again")


def from_system(path: Path, error: OSError, doing: str) -> StoreError:
    """Return what an error of the system means."""
    remedy = "make its folder writable for this user, or name another file with --state"
    return store_error(path, "store-cannot-open", f"not {doing}: {error.strerror or error}", remedy)
