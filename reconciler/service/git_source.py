"""A branch of a Git repository as a source: fetched with the plain git command into a bare clone of the service's own.

Git's own configuration says how to authenticate (SSH keys, credential helpers); a password in the URL is refused, because it
would stand in process lists and logs. History is compared with what is in force, and signatures are verified where asked.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from reconciler.desired import load_desired
from reconciler.folder import FolderCache
from reconciler.model.problem import Problem
from reconciler.revision import read_revision
from reconciler.service.acceptance import Candidate
from reconciler.service.signatures import SignatureRules, signature_problems
from reconciler.service.source import SourceUnavailable

HEAD: Final = "refs/reconciler/head"


class GitFailed(Exception):  # noqa: N818 - named for what it is
    """What git said on standard error, or that it took too long."""


@dataclass(frozen=True, slots=True)
class Git:
    """The git command on one repository. ``seconds`` bounds each call."""

    repository: Path
    seconds: float = 120

    def run(self, *arguments: str, given: bytes = b"", configured: Sequence[str] = ()) -> str:
        """Return what git prints; raise GitFailed. ``configured`` are ``-c`` settings."""
        settings = [word for setting in configured for word in ("-c", setting)]
        command = ["git", "--no-pager", "-C", str(self.repository), *settings, *arguments]
        try:
            done = subprocess.run(
                command, input=given, capture_output=True, timeout=self.seconds, env=os.environ | QUIET, check=False
            )
        except FileNotFoundError as error:
            raise GitFailed("git is not installed") from error
        except subprocess.TimeoutExpired as error:
            raise GitFailed(f"git {arguments[0]} took longer than {self.seconds:g} s") from error
        if done.returncode != 0:
            raise GitFailed(
                done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ") or f"git {arguments[0]} failed"
            )
        return done.stdout.decode("utf-8", "replace").strip()

    def succeeds(self, *arguments: str) -> bool:
        """Tell whether git exits with 0."""
        try:
            self.run(*arguments)
        except GitFailed:
            return False
        return True


QUIET: Final = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_NO_REPLACE_OBJECTS": "1"}


@dataclass
class GitSource:
    """One branch, one sub-folder. ``clone`` is a folder that belongs to the service alone; it is made when it is missing."""

    url: str
    clone: Path
    branch: str = "main"
    path: str = "desired-state"
    signatures: SignatureRules | None = None
    cache: FolderCache | None = None
    _known: dict[str, Candidate] = field(default_factory=dict)

    @property
    def location(self) -> str:
        """The repository without a user's name, the branch and the folder."""
        parts = urlsplit(self.url)
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else self.url
        return f"{bare} {self.branch}:{self.path}"

    def newest(self, in_force: str | None) -> Candidate:
        """Fetch the branch and return its head as a candidate."""
        try:
            git = self._fetched()
            commit = git.run("rev-parse", "--verify", "--quiet", f"{HEAD}^{{commit}}")
            return self._candidate(git, commit, in_force, self._descends(git, in_force, commit))
        except GitFailed as error:
            raise SourceUnavailable(self._unavailable(str(error))) from error

    def read(self, revision: str) -> Candidate:
        """Return a commit that was fetched before."""
        git = Git(self.clone)
        if not git.succeeds("cat-file", "-e", f"{revision}^{{commit}}"):
            finding = f"commit {revision[:12]} is not in {self.clone}"
            raise SourceUnavailable(
                Problem("revision-gone", finding, "nothing to do: the newest is followed", subject="source")
            )
        return self._candidate(git, revision, revision, None)

    def _fetched(self) -> Git:
        git = Git(self.clone)
        if not (self.clone / "HEAD").is_file():
            self.clone.mkdir(parents=True, exist_ok=True, mode=0o700)
            git.run("init", "--bare", "--quiet")
        # Forced: a rewritten branch must be seen to be refused. Nothing else is fetched, no tags, no submodules.
        git.run("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--", self.url, f"+refs/heads/{self.branch}:{HEAD}")
        return git

    @staticmethod
    def _descends(git: Git, in_force: str | None, commit: str) -> bool | None:
        if in_force is None or not git.succeeds("cat-file", "-e", f"{in_force}^{{commit}}"):
            return None if in_force is None else False
        return git.succeeds("merge-base", "--is-ancestor", in_force, commit)

    def _candidate(self, git: Git, commit: str, in_force: str | None, descends: bool | None) -> Candidate:
        if commit not in self._known:
            found = read_revision(self.clone, commit, self.path)
            loaded = load_desired(found.files, commit, self.cache) if not found.problems else None
            problems = found.problems if loaded is None else loaded.problems
            self._known = {commit: Candidate(commit, loaded.desired if loaded else None, problems, files=found.files)}
        known = self._known[commit]
        since = in_force if descends else None  # after a rewrite there is no range to speak of
        unsigned = signature_problems(git, commit, since, self.signatures) if self.signatures else ()
        return replace(known, descends=descends, signature_problems=unsigned)

    def _unavailable(self, said: str) -> Problem:
        finding = f"{self.location} cannot be read: {_without_secrets(said, self.url)}"
        remedy = "check the URL, the branch and that this account may read it (git ls-remote); what is in force stays in force"
        return Problem("git-unavailable", finding, remedy, subject="source")


def _without_secrets(said: str, url: str) -> str:
    """Git repeats URLs in its messages; whoever put a token there must not find it in a status page."""
    account = urlsplit(url).netloc.rpartition("@")[0]
    return said.replace(f"{account}@", "***@") if account else said
