"""The rim that reads one folder of one Git revision into memory, with the plain git command; the work tree is never touched.

What a pull request holds is somebody else's: nothing outside the folder is read, links and submodules are refused, sizes and
counts are bounded before any content is asked for, and no filter, hook or attribute of the repository runs.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from reconciler.desired import SourceFile
from reconciler.desired.yaml_reader import MAXIMUM_BYTES, too_large
from reconciler.model.problem import Place, Problem

SECONDS: Final = 60
_LINK, _SUBMODULE, _FOLDERS = "120000", "160000", "040000"
_SUFFIXES: Final = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a revision is read: entries below the folder, and bytes of all YAML files together."""

    entries: int = 50_000
    bytes: int = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RevisionFiles:
    """The YAML files of a folder at a commit (a full object name), or the problems in their place."""

    commit: str | None
    files: tuple[SourceFile, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    object: str
    size: int
    path: str


class _GitFailedError(Exception):
    """What git said on standard error."""


def read_revision(repository: Path, revision: str, folder: str, bounds: Bounds | None = None) -> RevisionFiles:
    """Return all ``*.yaml`` and ``*.yml`` files below ``folder`` (relative to the repository's top) at a revision.

    Hidden files are skipped, as in a folder on disk. Names are those in the repository. Never raises for what it finds there.
    """
    asked = PurePosixPath(folder.replace("\\", "/"))
    if asked.is_absolute() or ".." in asked.parts or asked.parts[:1] == ("~",):
        return RevisionFiles(None, problems=(_outside(folder),))
    try:
        commit = _commit(repository, revision)
    except (_GitFailedError, OSError, subprocess.TimeoutExpired) as error:
        return RevisionFiles(None, problems=(_no_revision(revision, error),))
    try:
        return replace(_read(repository, commit, str(asked), bounds or Bounds()), commit=commit)
    except (_GitFailedError, OSError, subprocess.TimeoutExpired) as error:
        return RevisionFiles(commit, problems=(_unreadable(revision, error),))


def _read(repository: Path, commit: str, folder: str, bounds: Bounds) -> RevisionFiles:
    entries = list(_entries(repository, commit, folder, bounds))
    if len(entries) > bounds.entries:
        return RevisionFiles(commit, problems=(_too_many(folder, bounds),))
    if not entries:
        return RevisionFiles(commit, problems=(_no_folder(folder, commit),))
    refused = [problem for entry in entries if (problem := _refusal(entry)) is not None]
    wanted = [entry for entry in entries if entry.mode.startswith("100") and entry.path.lower().endswith(_SUFFIXES)]
    refused += [too_large(entry.path) for entry in wanted if entry.size > MAXIMUM_BYTES]
    if not refused and sum(entry.size for entry in wanted) > bounds.bytes:
        refused.append(_too_much(folder, bounds))
    if refused:
        return RevisionFiles(commit, problems=tuple(refused))
    return RevisionFiles(commit, tuple(_contents(repository, wanted)))


def _commit(repository: Path, revision: str) -> str:
    if not revision or revision.startswith("-"):
        raise _GitFailedError("a revision is a branch, a tag or a commit")
    answer = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return answer.decode("ascii").strip()


def _entries(repository: Path, commit: str, folder: str, bounds: Bounds) -> Iterator[_Entry]:
    """Give the entries below the folder that are not hidden; one more than the bound where there are too many."""
    where = [] if folder == "." else ["--", folder]
    listing = _git(repository, "ls-tree", "-r", "-z", "-l", "--full-tree", commit, *where)
    given = 0
    for line in listing.split(b"\0"):
        if not line or given > bounds.entries:
            continue
        head, _, name = line.partition(b"\t")
        mode, _, digest, size = head.decode("ascii").split()
        path = name.decode("utf-8", "replace")
        below = PurePosixPath(path).relative_to(folder) if path != folder else PurePosixPath(path)
        if not any(part.startswith(".") for part in below.parts):
            given += 1
            yield _Entry(mode, digest, int(size) if size.isdigit() else 0, path)


def _contents(repository: Path, entries: Sequence[_Entry]) -> Iterator[SourceFile]:
    """Read all blobs with one process; sizes were bounded before."""
    if not entries:
        return
    answer = _git(repository, "cat-file", "--batch", given="".join(f"{entry.object}\n" for entry in entries).encode("ascii"))
    at = 0
    for entry in entries:
        end = answer.index(b"\n", at)
        _, kind, size = answer[at:end].decode("ascii").split()
        if kind != "blob":
            raise _GitFailedError(f"{entry.path} is a {kind}")
        start, at = end + 1, end + 1 + int(size) + 1
        yield SourceFile(entry.path, answer[start : at - 1])


def _git(repository: Path, *arguments: str, given: bytes = b"") -> bytes:
    command = ["git", "--no-pager", "--no-optional-locks", "--literal-pathspecs", "-C", str(repository), *arguments]
    quiet = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_NO_REPLACE_OBJECTS": "1"}
    done = subprocess.run(command, input=given, capture_output=True, timeout=SECONDS, env=os.environ | quiet, check=False)
    if done.returncode != 0:
        raise _GitFailedError(done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ") or "not found")
    return done.stdout


def _refusal(entry: _Entry) -> Problem | None:
    place = Place(entry.path, 1)
    if entry.mode == _LINK:
        return Problem("link-in-revision", "this is a link; a preview follows none", "put the file itself there", place=place)
    if entry.mode == _SUBMODULE:
        finding = "this is a submodule; a preview reads one repository only"
        return Problem("submodule-in-revision", finding, "put the files themselves there", place=place)
    return None


def _outside(folder: str) -> Problem:
    finding = f"{folder!r} is not a folder below the top of the repository"
    return Problem("folder-outside", finding, "name it as in --path desired-state", subject="--path")


def _no_revision(revision: str, error: Exception) -> Problem:
    said = "git is not installed" if isinstance(error, FileNotFoundError) else _said(error)
    remedy = "fetch it first: a pipeline's checkout often has one commit only (fetch-depth: 0, GIT_DEPTH: 0, fetchDepth: 0)"
    return Problem("no-such-revision", f"the revision {revision!r} cannot be read: {said}", remedy, subject="git")


def _unreadable(revision: str, error: Exception) -> Problem:
    finding = f"the revision {revision!r} cannot be read: {_said(error)}"
    return Problem("unreadable-revision", finding, "check the repository with git fsck, or fetch it anew", subject="git")


def _said(error: Exception) -> str:
    return f"git took longer than {SECONDS} s" if isinstance(error, subprocess.TimeoutExpired) else str(error)


def _no_folder(folder: str, commit: str) -> Problem:
    finding = f"there is no file below {folder} at {commit[:12]}"
    return Problem("no-such-folder", finding, "name the folder that holds the desired state with --path", subject="--path")


def _too_many(folder: str, bounds: Bounds) -> Problem:
    finding = f"there are more than {bounds.entries:,} files below {folder}"
    return Problem(
        "too-many-files", finding, "keep the desired state in a folder of its own, named with --path", subject=folder
    )


def _too_much(folder: str, bounds: Bounds) -> Problem:
    finding = f"the YAML files below {folder} are larger than {bounds.bytes // 1024**2} MiB together"
    return Problem("too-much-yaml", finding, "keep the desired state in a folder of its own, named with --path", subject=folder)
