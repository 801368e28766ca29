"""The rim that reads files: what is taken, what is refused, and the words in which broken documents are told."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.files import FileProblem, read_folder, read_observation, read_plan
from reconciler.model.observation import Observation
from reconciler.model.plan import DesiredRef, ObservationRef, Plan, Summary

MOMENT = datetime(2026, 11, 22, 10, tzinfo=UTC)
A_PLAN = Plan(
    desired=DesiredRef(revision=None, digest="sha256:1"),
    observation=ObservationRef(digest="sha256:2", observed_at=MOMENT),
    complete=True,
    applicable=True,
    summary=Summary(),
)


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n")


def test_yaml_files_are_found_anywhere_below_in_order_of_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are shown as the path was given; hidden files and folders and other suffixes are left alone."""
    put(tmp_path / "state", "b.yml", "a/x.YAML", "b/c.yaml", ".git/d.yaml", ".e.yaml", "notes.txt")
    monkeypatch.chdir(tmp_path)

    files, problems = read_folder(Path("state/"))

    assert problems == []
    assert [file.name for file in files] == ["state/a/x.YAML", "state/b.yml", "state/b/c.yaml"]
    assert files[0].content == b"# a/x.YAML\n"


def test_one_file_can_be_read_alone(tmp_path: Path) -> None:
    """A file in place of a folder is a desired state of one file."""
    put(tmp_path, "a.yaml", "b.yaml")

    files, problems = read_folder(tmp_path / "a.yaml")

    assert ([Path(file.name).name for file in files], problems) == (["a.yaml"], [])


def test_a_missing_folder_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A typing slip in the folder's name is never an empty desired state."""
    monkeypatch.chdir(tmp_path)

    files, problems = read_folder(Path("desired"))

    assert files == []
    assert [str(problem) for problem in problems] == [
        "desired state: no-such-folder: there is no folder or file desired — name the folder that holds the desired state"
    ]


def test_links_that_lead_outside_are_refused_and_a_file_reached_twice_is_read_once(tmp_path: Path) -> None:
    """Nobody commits a link to the controller's own files."""
    put(tmp_path, "secret.yaml", "state/.now/a.yaml", "elsewhere/b.yaml")
    state = tmp_path / "state"
    (state / "a.yaml").symlink_to(".now/a.yaml")
    (state / "again.yaml").symlink_to("a.yaml")
    (state / "loop").symlink_to(".")
    (state / "out").symlink_to(tmp_path / "elsewhere")
    (state / "steal.yaml").symlink_to(tmp_path / "secret.yaml")
    (state / "z-dangling.yaml").symlink_to("nowhere.yaml")

    files, problems = read_folder(state)

    assert [Path(file.name).name for file in files] == ["a.yaml"]
    told = [(Path(problem.place.file).name, problem.code) for problem in problems if problem.place]
    assert told == [("out", "link-leads-outside"), ("steal.yaml", "link-leads-outside"), ("z-dangling.yaml", "unreadable-file")]


def test_a_folder_that_cannot_be_looked_into_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for in there is unknown, never absent: its machines would be left alone, and its rules not be kept."""
    put(tmp_path, "a.yaml", "closed/b.yaml")
    look = os.scandir

    def refuse(folder: str) -> object:
        if "closed" in folder:
            raise PermissionError(13, "Permission denied")
        return look(folder)

    monkeypatch.setattr("reconciler.listing.os.scandir", refuse)

    files, problems = read_folder(tmp_path)

    assert [Path(file.name).name for file in files] == ["a.yaml"]
    told = [(Path(problem.place.file).name, problem.code) for problem in problems if problem.place]
    assert told == [("closed", "unreadable-folder")]


def test_a_saved_observation_comes_back_as_it_was(tmp_path: Path) -> None:
    """Also where PowerShell's redirection made UTF-16 of it."""
    observation = Observation(observed_at=MOMENT)
    path = tmp_path / "observed.json"
    for encoding in ("utf-8", "utf-16"):
        path.write_text(json.dumps(observation.to_json()), encoding=encoding)
        assert read_observation(path) == observation


def test_the_demos_fleet_is_an_observation() -> None:
    """The fleet that the simulator boots from in the demo is a valid document."""
    fleet = read_observation(Path(__file__).parents[2] / "reconciler" / "simulator" / "fleets" / "demo.json")

    assert [host.name for host in fleet.hosts if host.cluster == "Cluster1"] == ["Cluster1Node1", "Cluster1Node2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"kind": "Observation",\n "hosts": [}',
            "observed.json:2:12: not-json: the file is not JSON: Expecting value — give a file saved by: reconciler observe",
        ),
        (
            '{"apiVersion": "reconciler/v1", "kind": "Plan"}',
            "observed.json:1:1: wrong-document: the file holds a document of kind Plan, not a document of kind Observation — "
            "give a file saved by: reconciler observe",
        ),
        (
            '{"kind": "Observation", "observedAt": "2026-11-22T10:00:00Z", "hosts": [{"name": "h1", "memoryMiB": "lots"}, {}]}',
            "observed.json:1:1: bad-document: hosts[0].memoryMiB: input should be a valid integer, unable to parse string as "
            "an integer (and 1 more) — give a file saved by: reconciler observe",
        ),
        (
            "[]",
            "observed.json:1:1: wrong-document: the file holds no document of ours, not a document of kind Observation — "
            "give a file saved by: reconciler observe",
        ),
    ],
)
def test_a_file_that_is_no_observation_is_told_in_words(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The field, what is wrong with it, and how to get a good file."""
    monkeypatch.chdir(tmp_path)
    Path("observed.json").write_text(text)

    with pytest.raises(FileProblem) as caught:
        read_observation(Path("observed.json"))

    assert str(caught.value.problem) == message


def test_a_missing_document_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same exception as for a broken one, so that callers have one thing to catch."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(FileProblem) as caught:
        read_plan(Path("plan.json"))

    assert str(caught.value.problem) == (
        "plan.json:1:1: unreadable-file: the file cannot be read: No such file or directory — "
        "check the path and its permissions"
    )


def test_a_plan_that_was_changed_after_it_was_saved_is_refused(tmp_path: Path) -> None:
    """The fingerprint in the file must be that of its steps."""
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(A_PLAN.to_json()))
    assert read_plan(path) == A_PLAN

    path.write_text(json.dumps(A_PLAN.to_json() | {"desired": {"revision": None, "digest": "sha256:9"}}))
    with pytest.raises(FileProblem, match="plan-altered"):
        read_plan(path)
