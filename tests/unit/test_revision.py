"""A folder of one Git revision, read from a real repository: what is committed, and nothing else."""

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.revision import Bounds, read_revision

VM = "apiVersion: reconciler/v1\n"


def git(repo: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, "-C", str(repo), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def write(file: Path, text: str = VM) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    write(tmp_path / "fleet/vms/web.yaml")
    write(tmp_path / "fleet/hosts.yml")
    write(tmp_path / "fleet/.hidden/x.yaml")
    write(tmp_path / "fleet/README.md")
    write(tmp_path / "other/secret.yaml")
    commit(tmp_path)
    return tmp_path


def commit(repo: Path) -> str:
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "change")
    return git(repo, "rev-parse", "HEAD")


def test_a_revision_is_read_as_committed_whatever_the_work_tree_holds(repo: Path) -> None:
    """Neither files that somebody is editing nor the branch that is checked out matter; the tree stays as it is."""
    asked = git(repo, "rev-parse", "HEAD")
    write(repo / "fleet/vms/web.yaml", "edited: true\n")
    write(repo / "fleet/vms/new.yaml")

    read = read_revision(repo, asked[:12], "fleet")

    assert read.commit == asked
    assert [(file.name, file.content) for file in read.files] == [
        ("fleet/hosts.yml", VM.encode()),
        ("fleet/vms/web.yaml", VM.encode()),
    ]
    assert git(repo, "status", "--porcelain").split() == ["M", "fleet/vms/web.yaml", "??", "fleet/vms/new.yaml"]


def test_a_filter_that_a_pull_request_brings_along_does_not_run(repo: Path) -> None:
    """Attributes and filters belong to check-outs; blobs are read as they are stored."""
    git(repo, "config", "filter.evil.smudge", "sh -c 'touch evil; cat'")
    write(repo / ".gitattributes", "*.yaml filter=evil text eol=crlf\n")
    commit(repo)

    read = read_revision(repo, "HEAD", "fleet")

    assert {file.content for file in read.files} == {VM.encode()}
    assert not (repo / "evil").exists()


def test_links_and_submodules_are_refused_by_name(repo: Path) -> None:
    """Neither is followed: not to another folder of the repository, and not out of it."""
    os.symlink("../../other/secret.yaml", repo / "fleet/vms/link.yaml")
    os.symlink("/etc", repo / "fleet/etc")
    commit(repo)
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{git(repo, 'rev-parse', 'HEAD')},fleet/module")
    git(repo, "commit", "-q", "-m", "module")

    read = read_revision(repo, "HEAD", "fleet")

    assert read.files == ()
    assert [(problem.code, problem.place.file if problem.place else "") for problem in read.problems] == [
        ("link-in-revision", "fleet/etc"),
        ("submodule-in-revision", "fleet/module"),
        ("link-in-revision", "fleet/vms/link.yaml"),
    ]


@pytest.mark.parametrize("folder", ["../other", "fleet/../../x", "/etc", "..\\other", "~/x"])
def test_no_folder_outside_the_repository_can_be_asked_for(repo: Path, folder: str) -> None:
    """The path is the operator's, but it often comes from a variable."""
    assert [problem.code for problem in read_revision(repo, "HEAD", folder).problems] == ["folder-outside"]


@pytest.mark.parametrize("folder", ["*", ":(top)other", "fle*"])
def test_a_folder_is_a_name_and_never_a_pattern(repo: Path, folder: str) -> None:
    """Git's pathspecs would read more than what is named."""
    assert [problem.code for problem in read_revision(repo, "HEAD", folder).problems] == ["no-such-folder"]


@pytest.mark.parametrize("revision", ["nowhere", "--help", "-n", "", "HEAD:fleet", "a b"])
def test_what_is_no_commit_is_said_to_be_none_with_what_pipelines_get_wrong(repo: Path, revision: str) -> None:
    """A revision is never taken for an option, and a shallow checkout is the usual cause."""
    (problem,) = read_revision(repo, revision, "fleet").problems

    assert problem.code == "no-such-revision"
    assert "fetch-depth: 0" in problem.remedy


def test_what_is_larger_than_it_may_be_is_refused_before_it_is_read(repo: Path) -> None:
    """Counts and sizes come from the tree; a bomb is never asked for."""
    write(repo / "fleet/big.yaml", "#" * (10 * 1024 * 1024 + 1))
    commit(repo)

    codes = [
        [problem.code for problem in read_revision(repo, revision, "fleet", bounds).problems]
        for revision, bounds in (("HEAD", Bounds()), ("HEAD~1", Bounds(entries=2)), ("HEAD~1", Bounds(bytes=30)))
    ]

    assert codes == [["file-too-large"], ["too-many-files"], ["too-much-yaml"]]


def test_a_folder_that_is_no_repository_is_said_to_be_none(tmp_path: Path) -> None:
    """No traceback, no guess."""
    (problem,) = read_revision(tmp_path / "nowhere", "HEAD", "fleet").problems

    assert problem.code == "no-such-revision"
