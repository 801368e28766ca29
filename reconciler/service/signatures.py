"""Signatures of commits, verified by git itself (SSH with an allowed-signers file, or GPG), and who may sign what.

Every commit since the one in force is looked at, not only the newest: a good signature on top must not carry an unsigned
change in. Paths are folders below the repository's top; the rule with the longest path that holds a changed file counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from reconciler.model.problem import Problem

MOST_COMMITS = 1000
GOOD = "G"


class RunsGit(Protocol):
    """The git command on one repository."""

    def run(self, *arguments: str, given: bytes = b"", configured: tuple[str, ...] = ()) -> str:
        """Return what git prints; raise where it fails."""
        ...


@dataclass(frozen=True, slots=True)
class SignatureRules:
    """``allowed_signers``: file of SSH keys and principals (ssh-keygen(1), ALLOWED SIGNERS), None for GPG's own key ring.

    ``signers``: by folder, the principals (SSH) or key fingerprints (GPG) whose signature counts there; "" is everywhere.
    Without any, every good signature counts.
    """

    allowed_signers: Path | None = None
    signers: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signed:
    """One commit: git's verdict on its signature (G is good), who signed, and the files it changes."""

    commit: str
    verdict: str
    signers: frozenset[str]
    files: tuple[str, ...]


def signature_problems(git: RunsGit, commit: str, in_force: str | None, rules: SignatureRules) -> tuple[Problem, ...]:
    """Return a problem for each commit up to ``commit`` and after ``in_force`` that is not signed as it must be."""
    commits = _commits(git, commit, in_force)
    if len(commits) > MOST_COMMITS:
        finding = f"more than {MOST_COMMITS} commits since the one in force; not all signatures were looked at"
        return (Problem("too-many-commits", finding, "let an operator accept the newest revision", subject="source"),)
    return tuple(problem for one in commits if (problem := judge(_signed(git, one, rules), rules)))


def judge(signed: Signed, rules: SignatureRules) -> Problem | None:
    """Return what is wrong with one commit's signature, or None. Pure."""
    short = signed.commit[:12]
    if signed.verdict != GOOD:
        finding = f"commit {short} has no good signature ({VERDICTS.get(signed.verdict, signed.verdict)})"
        return Problem(
            "unsigned-commit", finding, "sign it: git commit -S, or git rebase --exec 'git commit --amend -S'", subject="source"
        )
    for file in signed.files:
        allowed = _allowed(file, rules.signers)
        if allowed is not None and not allowed & signed.signers:
            finding = f"commit {short} changes {file}, which {' or '.join(sorted(signed.signers))} may not sign"
            remedy = f"let one of {', '.join(sorted(allowed)) or 'nobody'} sign it, or extend source.git.signatures"
            return Problem("signer-not-allowed", finding, remedy, subject="source")
    return None


VERDICTS = {
    "N": "none",
    "B": "bad",
    "U": "unknown validity",
    "X": "expired",
    "Y": "expired key",
    "R": "revoked key",
    "E": "cannot be checked",
}


def _allowed(file: str, signers: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
    parts = PurePosixPath(file)
    fitting = [folder for folder in signers if folder in ("", ".") or parts.is_relative_to(folder)]
    return signers[max(fitting, key=len)] if fitting else (frozenset() if signers else None)


def _commits(git: RunsGit, commit: str, in_force: str | None) -> list[str]:
    """What is new; where nothing is in force yet, the newest commit alone vouches for the tree."""
    if in_force is None or in_force == commit:
        return [commit]
    listed = git.run("rev-list", f"--max-count={MOST_COMMITS + 1}", commit, f"^{in_force}")
    return listed.split() or [commit]


def _signed(git: RunsGit, commit: str, rules: SignatureRules) -> Signed:
    configured = (f"gpg.ssh.allowedSignersFile={rules.allowed_signers}",) if rules.allowed_signers else ()
    verdict, signer, key, fingerprint = git.run(
        "log", "-1", "--format=%G?%x00%GS%x00%GK%x00%GF", commit, configured=configured
    ).split("\0")
    files = git.run("diff-tree", "--no-commit-id", "--name-only", "-r", "-z", "-m", "--root", commit).split("\0")
    who = frozenset(name for name in (signer, key, fingerprint) if name)
    return Signed(commit, verdict, who, tuple(sorted({name for name in files if name})))
