"""A branch as a source: real repositories, the plain git command, and everything that can go wrong with a history."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.service.acceptance import Candidate
from reconciler.service.git_source import Git, GitSource
from reconciler.service.signatures import SignatureRules, Signed, judge, signature_problems
from reconciler.service.source import SourceUnavailable

HOST = "apiVersion: reconciler/v1\nkind: Host\nmetadata: {name: Host1}\nspec: {address: host1.contoso.com}\n"
MACHINE = "apiVersion: reconciler/v1\nkind: VirtualMachine\nmetadata: {name: vm1}\nspec: {placement: {host: Host1}}\n"
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


class Repository:
    """A repository that people push to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("fleet.yaml", HOST)

    def git(self, *arguments: str, **environment: str) -> str:
        quiet = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"}
        settings = ("-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *settings, *arguments],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | quiet | environment,
        )
        return done.stdout.strip()

    def commit(self, name: str, text: str, *options: str) -> str:
        file = self.folder / "desired-state" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", name, *options)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "fleet")


def source(repository: Repository, tmp_path: Path, **given: object) -> GitSource:
    return GitSource(str(repository.folder), tmp_path / "clone", **given)  # type: ignore[arg-type]


def machines(candidate: Candidate) -> list[str]:
    assert candidate.desired is not None, candidate.problems
    return [machine.name for machine in candidate.desired.virtual_machines]


def test_the_head_of_the_branch_is_read_and_knows_whether_it_descends(repository: Repository, tmp_path: Path) -> None:
    followed = source(repository, tmp_path)
    first = followed.newest(None)
    head = repository.commit("vm1.yaml", MACHINE)
    second = followed.newest(first.revision)

    assert (first.descends, second.descends, second.revision) == (None, True, head)
    assert (machines(first), machines(second)) == ([], ["vm1"])
    assert [file.name for file in second.files] == ["desired-state/fleet.yaml", "desired-state/vm1.yaml"]


def test_a_rewritten_branch_does_not_descend_from_what_was_in_force(repository: Repository, tmp_path: Path) -> None:
    followed = source(repository, tmp_path)
    before = followed.newest(None).revision
    repository.commit("vm1.yaml", MACHINE, "--amend")

    assert followed.newest(before).descends is False
    assert followed.newest("0" * 40).descends is False


def test_a_revision_that_was_in_force_can_be_read_again_after_the_branch_has_gone_on(
    repository: Repository, tmp_path: Path
) -> None:
    followed = source(repository, tmp_path)
    old = followed.newest(None).revision
    repository.commit("vm1.yaml", MACHINE)
    again = source(repository, tmp_path)
    again.newest(old)

    assert machines(again.read(old)) == []
    with pytest.raises(SourceUnavailable):
        again.read("1" * 40)


def test_errors_in_the_yaml_are_problems_of_the_candidate_at_their_lines(repository: Repository, tmp_path: Path) -> None:
    repository.commit("vm1.yaml", MACHINE.replace("placement", "plaicement"))
    candidate = source(repository, tmp_path).newest(None)

    assert candidate.desired is None
    assert str(candidate.problems[0].place) == "desired-state/vm1.yaml:4"


def test_a_repository_that_cannot_be_read_says_why_and_never_shows_a_password(tmp_path: Path) -> None:
    gone = GitSource(f"https://bot:hunter2@127.0.0.1:1/{'x' * 5}.git", tmp_path / "clone")

    with pytest.raises(SourceUnavailable) as refused:
        gone.newest(None)
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in gone.location


def test_a_branch_that_is_missing_says_so(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        source(repository, tmp_path, branch="release").newest(None)


def test_links_and_what_lies_outside_the_folder_are_never_read(repository: Repository, tmp_path: Path) -> None:
    (repository.folder / "desired-state" / "evil.yaml").symlink_to("/etc/passwd")
    (repository.folder / "outside.yaml").write_text("not: [valid", "utf-8")
    repository.commit("vm1.yaml", MACHINE)
    candidate = source(repository, tmp_path).newest(None)

    assert candidate.desired is None
    assert [problem.code for problem in candidate.problems] == ["link-in-revision"]


# -- signatures


def signed(verdict: str, *signers: str, files: tuple[str, ...] = ("prod/a.yaml",)) -> Signed:
    return Signed("c" * 40, verdict, frozenset(signers), files)


RULES = SignatureRules(signers={"": frozenset({"ops"}), "prod": frozenset({"leads"})})


@pytest.mark.parametrize(
    ("commit", "code"),
    [
        (signed("G", "leads"), None),
        (signed("G", "ops"), "signer-not-allowed"),
        (signed("G", "ops", files=("test/a.yaml",)), None),
        (signed("G", "ops", files=("production/a.yaml",)), None),
        (signed("G", "leads", files=("test/a.yaml", "prod/a.yaml")), "signer-not-allowed"),
        *((signed(verdict, "leads"), "unsigned-commit") for verdict in "NBUXYRE"),
    ],
)
def test_who_may_sign_what_is_decided_by_the_longest_folder(commit: Signed, code: str | None) -> None:
    problem = judge(commit, RULES)

    assert (problem.code if problem else None) == code


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_good_signature_on_top_carries_no_unsigned_commit_in(repository: Repository, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    allowed = tmp_path / "allowed_signers"
    allowed.write_text("ops@contoso.com " + key.with_suffix(".pub").read_text("utf-8"), "utf-8")
    rules = SignatureRules(allowed, {"": frozenset({"ops@contoso.com"})})
    followed = source(repository, tmp_path)
    start = followed.newest(None).revision
    unsigned = repository.commit("a.yaml", MACHINE)
    for setting in (("gpg.format", "ssh"), ("user.signingkey", str(key))):
        repository.git("config", *setting)
    head = repository.commit("b.yaml", HOST.replace("Host1", "Host2"), "-S")
    followed.newest(start)
    git = Git(tmp_path / "clone")

    problems = signature_problems(git, head, start, rules)
    assert [problem.code for problem in problems] == ["unsigned-commit"]
    assert unsigned[:12] in problems[0].finding
    assert signature_problems(git, head, unsigned, rules) == ()
