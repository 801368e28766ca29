"""Where desired states come from while the service runs: a Git repository or a folder, each read into one candidate.

A source is asked again and again for its newest revision. It answers with a candidate, good or bad, or says that it cannot be
read now; it never decides whether a candidate comes into force (``acceptance``).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reconciler.desired import load_desired
from reconciler.files import read_folder
from reconciler.folder import FolderCache
from reconciler.model.problem import Problem
from reconciler.service.acceptance import Candidate


class SourceUnavailable(Exception):  # noqa: N818 - named for what it is
    """The source cannot be read now; what is in force stays. ``problem`` says why and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Source(Protocol):
    """Something that people commit to."""

    @property
    def location(self) -> str:
        """What to call it in status and logs; never holds a secret."""
        ...

    def newest(self, in_force: str | None) -> Candidate:
        """Return the newest revision, compared with the one in force; raise SourceUnavailable where it cannot be read."""
        ...

    def read(self, revision: str) -> Candidate:
        """Return that revision, to take up after a restart what was in force; raise SourceUnavailable where it is gone."""
        ...


@dataclass
class FolderSource:
    """A folder of YAML on this machine. Its revision is a digest of its files; it keeps no history."""

    folder: Path
    cache: FolderCache | None = None
    _last: Candidate | None = None

    @property
    def location(self) -> str:
        """The folder."""
        return str(self.folder)

    def newest(self, in_force: str | None) -> Candidate:
        """Return what is in the folder now; files that cannot be read are problems of the candidate."""
        del in_force
        if not self.folder.is_dir():
            finding, remedy = f"there is no folder {self.folder}", "name the folder of the desired state (source.folder.path)"
            raise SourceUnavailable(Problem("no-such-folder", finding, remedy, subject="source"))
        files, unreadable = read_folder(self.folder)
        digest = hashlib.sha256()
        for file in sorted(files, key=lambda file: file.name):
            digest.update(f"{len(file.name)} {file.name} {len(file.content)} ".encode())
            digest.update(file.content)
        revision = f"folder-{digest.hexdigest()[:20]}"
        if self._last is None or self._last.revision != revision or unreadable:
            loaded = load_desired(files, revision, self.cache)
            desired = None if unreadable else loaded.desired
            self._last = Candidate(revision, desired, (*unreadable, *loaded.problems), files=tuple(files))
        return self._last

    def read(self, revision: str) -> Candidate:
        """Return the folder as it is, where that is the revision asked for; a folder keeps no other."""
        candidate = self.newest(None)
        if candidate.revision != revision:
            finding = f"the folder is not at {revision} any more"
            raise SourceUnavailable(
                Problem("revision-gone", finding, "nothing to do: the newest is followed", subject="source")
            )
        return candidate
