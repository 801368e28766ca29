"""Preview as a pipeline runs it: a real repository, published observations, keys, files and exit codes."""

import json
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from reconciler.cli.main import main
from reconciler.clock import ScaledClock
from reconciler.files import read_observation, read_plan, read_preview
from reconciler.model.preview import Change
from reconciler.simulator.stage import staged

SCENARIO = Path(__file__).parents[1] / "scenarios" / "stand-alone"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def git(repo: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, "-C", str(repo), *arguments], check=True, capture_output=True)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """The stand-alone scenario on the branch ``change``; ``main`` wants the machine where it is; ``broken`` has a slip."""
    repo = tmp_path / "repo"
    folder = repo / "desired-state"
    folder.mkdir(parents=True)
    git(repo, "init", "-q", "-b", "main")
    text = {file.name: file.read_text() for file in (SCENARIO / "desired").iterdir()}
    for branch, old, new in (
        ("main", "placement: {host: StandAlone2}", "placement: {host: StandAlone1}"),
        ("change", "", ""),
        ("broken", "placement: {host: StandAlone2}", "placement: {hots: StandAlone2}"),
    ):
        for name, content in text.items():
            (folder / name).write_text(content.replace(old, new) if old else content)
        if branch != "main":
            git(repo, "checkout", "-q", "-b", branch)
        git(repo, "add", "-A")
        git(repo, "commit", "-q", "-m", branch)
    return repo


@pytest.fixture
def asked(repo: Path) -> list[object]:
    return ["preview", "--base", "main", "--head", "change", "--repo", repo]


def test_a_change_is_shown_and_saved_with_the_plan_that_it_leads_to(
    capsys: pytest.CaptureFixture[str], asked: list[object], tmp_path: Path
) -> None:
    """The comment on standard output, the preview for a later comment, and the full plan as the artifact."""
    saved, artifact = tmp_path / "preview.json", tmp_path / "the plan.json"
    files = ["--observation", SCENARIO / "observed.json", "--out", saved, "--artifact", artifact]

    code, out, _ = run(capsys, *asked, *files, "-o", "markdown", "--forge", "gitlab")
    detailed = run(capsys, *asked, *files, "--detailed-exitcode", "-o", "json")

    assert (code, detailed[0]) == (0, 2)
    assert "1 move, 1 needed" in out
    made = read_preview(saved)
    assert json.loads(detailed[1]) == made.to_json()
    assert [step.change for step in made.steps] == [Change.ADDED]
    assert read_plan(artifact).fingerprint == made.head.fingerprint


def test_a_change_that_moves_nothing_exits_0_even_where_moves_are_due(capsys: pytest.CaptureFixture[str], repo: Path) -> None:
    """What was due before is not this change's doing."""
    same = ["preview", "--base", "change", "--head", "change", "--repo", repo, "--observation", SCENARIO / "observed.json"]

    code, out, _ = run(capsys, *same, "--detailed-exitcode")

    assert (code, "this change moves nothing, 1 move already due without it" in out) == (0, True)


def test_a_head_with_errors_exits_1_and_is_still_a_comment(capsys: pytest.CaptureFixture[str], repo: Path) -> None:
    """The pipeline fails, and the reviewer reads why at which line."""
    arguments = ["preview", "--base", "main", "--head", "broken", "--repo", repo, "--observation", SCENARIO / "observed.json"]

    code, out, _ = run(capsys, *arguments, "-o", "markdown")

    assert code == 1
    assert "no plan: the head revision has 1 error" in out
    assert "did you mean hosts?" in out


def published(capsys: pytest.CaptureFixture[str], tmp_path: Path, observation: Path) -> tuple[Path, str]:
    """Make keys and publish; the observation comes from a file in place of hosts."""
    private, envelope = tmp_path / "key", tmp_path / "published.json"
    _, public, _ = run(capsys, "keys", private)
    arguments = ["observe", SCENARIO / "desired", "--observation", observation, "--publish", envelope, "--sign-key", private]
    assert run(capsys, *arguments)[0] == 0
    return envelope, public.strip()


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The scenario's observation, a minute old."""
    file = tmp_path / "fresh.json"
    seen = read_observation(SCENARIO / "observed.json")
    young = seen.model_copy(update={"observed_at": datetime.now(UTC) - timedelta(minutes=1)})
    file.write_text(json.dumps(young.to_json()))
    return file


def test_a_published_observation_plans_as_the_fleet_does_without_its_addresses(
    capsys: pytest.CaptureFixture[str], asked: list[object], tmp_path: Path, fresh: Path
) -> None:
    """Keys, publish, preview: what a pipeline without credentials does."""
    envelope, key = published(capsys, tmp_path, fresh)

    signed = run(capsys, *asked, "--observation", envelope, "--verify-key", key)
    by_file = run(capsys, *asked, "--observation", envelope, "--verify-key", tmp_path / "key.pub")
    plain = run(capsys, *asked, "--observation", fresh)

    assert signed == by_file
    assert (signed[0], signed[1]) == (plain[0], plain[1])
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert "contoso.com" not in json.dumps([host["address"] for host in _payload(envelope)["hosts"]])


def _payload(envelope: Path) -> dict[str, list[dict[str, str]]]:
    import base64

    data: dict[str, list[dict[str, str]]] = json.loads(base64.b64decode(json.loads(envelope.read_text())["payload"]))
    return data


def test_what_is_not_signed_as_asked_is_not_used(
    capsys: pytest.CaptureFixture[str], asked: list[object], tmp_path: Path, fresh: Path
) -> None:
    """Another key, another content, too old, not signed at all, not checked at all: each with its remedy."""
    envelope, key = published(capsys, tmp_path, fresh)
    _, other, _ = run(capsys, "keys", tmp_path / "other")
    tampered = tmp_path / "tampered.json"
    tampered.write_text(envelope.read_text().replace('"payload": "eyJ', '"payload": "eyK'))

    def said(*arguments: object) -> tuple[int, str]:
        code, out, err = run(capsys, *asked, *arguments)
        assert out == ""
        return code, err

    assert said("--observation", envelope, "--verify-key", other.strip())[1].startswith("signed observation: wrong-key")
    assert said("--observation", tampered, "--verify-key", key)[1].startswith("signed observation: tampered")
    assert "too-old" in said("--observation", envelope, "--verify-key", key, "--maximum-age", 30)[1]
    assert "not-signed" in said("--observation", fresh, "--verify-key", key)[1]
    assert said("--observation", envelope)[0] == 64
    assert said("--observation", "https://example.org/x")[0] == 64
    assert "is not https" in said("--observation", "http://example.org/x?token=secret", "--verify-key", key)[1]
    assert "secret" not in said("--observation", "ftp://u:secret@example.org/x", "--verify-key", key)[1]


def test_keys_are_never_overwritten_and_never_used_where_others_can_read_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, fresh: Path
) -> None:
    """A lost private key is lost, and one that was open is no longer one's own."""
    key = tmp_path / "key"
    assert run(capsys, "keys", key)[0] == 0
    before = key.read_bytes()

    assert "file-exists" in run(capsys, "keys", key)[2]
    assert key.read_bytes() == before
    key.chmod(0o640)
    publish = ["observe", SCENARIO / "desired", "--observation", fresh, "--publish", tmp_path / "p.json", "--sign-key", key]
    assert "key-too-open" in run(capsys, *publish)[2]
    assert not (tmp_path / "p.json").exists()
    assert run(capsys, *publish[:-2])[0] == 64


def test_without_an_observation_only_hosts_of_the_base_would_be_asked(capsys: pytest.CaptureFixture[str], repo: Path) -> None:
    """A change must not point the credentials of whoever previews it at a machine of its own; a broken base names none."""
    code, _, err = run(capsys, "preview", "--base", "broken", "--head", "change", "--repo", repo)

    assert (code, "only hosts that it names are asked" in err) == (1, True)


def test_a_name_is_no_command_to_the_agent_of_a_pipeline(
    capsys: pytest.CaptureFixture[str], repo: Path, tmp_path: Path
) -> None:
    """Azure's agents obey ``##vso[`` anywhere in a log, whichever form is printed there; JSON still says the same."""
    git(repo, "checkout", "-q", "change")
    evil = "##vso[task.setvariable variable=approved]true"
    head = "---\napiVersion: reconciler/v1\nkind: VirtualMachine\n"
    document = f"{head}metadata: {{name: '{evil}'}}\nspec: {{placement: {{host: StandAlone1}}}}\n"
    (repo / "desired-state" / "evil.yaml").write_text(document)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "evil")
    asked = ["preview", "--base", "main", "--head", "change", "--repo", repo, "--observation", SCENARIO / "observed.json"]

    printed = [run(capsys, *asked, "-o", form) for form in ("text", "markdown", "json")]

    assert all("##vso[" not in out + err for _, out, err in printed)
    assert "task.setvariable" in printed[1][1]
    assert evil in json.dumps(json.loads(printed[2][1]), ensure_ascii=False)


def test_a_host_that_only_the_change_names_is_not_asked(capsys: pytest.CaptureFixture[str], repo: Path, tmp_path: Path) -> None:
    """With a way to the fleet, the base's hosts answer; the change's own machine gets no credentials and stays unknown."""
    git(repo, "checkout", "-q", "change")
    document = "---\napiVersion: reconciler/v1\nkind: Host\nmetadata: {name: Evil}\nspec: {address: evil.example.org}\n"
    (repo / "desired-state" / "evil.yaml").write_text(document)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "evil")
    with staged(read_observation(SCENARIO / "observed.json"), ScaledClock(datetime.now(UTC), 20)) as stage:
        config = tmp_path / "winrm.yaml"
        config.touch(0o600)
        access = {"username": stage.config.username, "password": stage.config.password.reveal()}
        config.write_text(yaml.safe_dump(access | {"endpoints": dict(stage.config.endpoints)}))
        code, out, err = run(capsys, "preview", "--base", "main", "--head", "change", "--repo", repo, "--config", config)

    assert (code, "Asking 2 hosts ..." in err) == (0, True)
    assert "1 move, 1 needed" in out
    assert "this host is not in the observation" in out
