"""``reconciler import`` as a person uses it: the demo fleet becomes a folder, and nothing that was there is lost."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from reconciler.cli.main import main
from reconciler.clock import ScaledClock
from reconciler.simulator.fleets import demo_observation
from reconciler.simulator.stage import staged
from tests.builders import a_fleet, a_host, a_vm

DEMO = Path(__file__).parents[2] / "reconciler/simulator/fleets/demo.json"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("options", [[], ["--layout", "grouped"], ["--layout", "one", "--host-settings", "--pin"]])
def test_the_demo_fleet_becomes_a_folder_that_is_valid_and_asks_for_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str]
) -> None:
    """Import, validate, plan: sound without a warning, every machine in place, whatever the layout."""
    folder = tmp_path / "fleet"

    code, out, _ = run(capsys, "import", "--observation", DEMO, "--into", folder, *options)

    assert (code, "11 virtual machines, 7 hosts, 2 clusters, 3 storage locations" in out) == (0, True)
    assert run(capsys, "validate", folder)[1].startswith("Valid: 11 virtual machines")
    assert "Nothing to do: 11 machines in place" in run(capsys, "plan", folder, "--observation", DEMO)[1]


def test_files_are_laid_out_for_people(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The editor's line on top, short mappings on one line, paths that keep their backslashes, and no setting unasked."""
    run(capsys, "import", "--observation", DEMO, "--into", tmp_path / "fleet")

    assert (tmp_path / "fleet/vms/StandAloneVM3.yaml").read_text(encoding="utf-8") == (
        "# yaml-language-server: $schema=../../schemas/virtual-machine.schema.json\n"
        "apiVersion: reconciler/v1\n"
        "kind: VirtualMachine\n"
        "metadata: {name: StandAloneVM3}\n"
        "spec:\n"
        "  placement: {host: StandAlone3}\n"
        "  storage: {path: 'D:\\VMs\\StandAloneVM3'}\n"
    )
    host = yaml.safe_load((tmp_path / "fleet/hosts/StandAlone3.yaml").read_text(encoding="utf-8"))
    assert host["spec"] == {"address": "standalone3.contoso.com", "storage": {"locations": ["smbshare", "D-VMs"]}}


def test_no_file_is_replaced_without_being_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Every file in the way is listed and kept, no other is written; --overwrite replaces just those."""
    folder = tmp_path / "fleet"
    (folder / "hosts").mkdir(parents=True)
    for name in ("hosts/StandAlone1.yaml", "storage.yaml"):
        (folder / name).write_text("# mine\n", encoding="utf-8")

    code, _, err = run(capsys, "import", "--observation", DEMO, "--into", folder)

    assert (code, err.count("file-exists")) == (1, 2)
    assert sorted(path.name for path in folder.rglob("*.yaml")) == ["StandAlone1.yaml", "storage.yaml"]
    assert (folder / "storage.yaml").read_text(encoding="utf-8") == "# mine\n"
    assert run(capsys, "import", "--observation", DEMO, "--into", folder, "--overwrite")[0] == 0
    assert "kind: StorageLocation" in (folder / "storage.yaml").read_text(encoding="utf-8")


def test_an_import_that_would_contradict_the_folder_writes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A second layout beside the first would name everything twice."""
    folder = tmp_path / "fleet"
    run(capsys, "import", "--observation", DEMO, "--into", folder, "--layout", "one")

    code, _, err = run(capsys, "import", "--observation", DEMO, "--into", folder)

    assert (code, "folder-in-use" in err, "duplicate-name" in err) == (1, True, True)
    assert [path.name for path in folder.rglob("*.yaml")] == ["fleet.yaml"]


def test_what_cannot_be_said_is_told_and_not_guessed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Two machines of one name get their ids; a share by its server's short name is never taken for the FQDN."""
    ids = ["1a2b3c4d-0000-4000-8000-000000000001", "9f2b3c4d-0000-4000-8000-000000000002"]
    short = a_vm("files", folder=r"\\fs1\vms\files", id="7c2b3c4d-0000-4000-8000-000000000003")
    fleet = a_fleet(a_host("Host1", a_vm("web", id=ids[0]), short), a_host("Host2", a_vm("Web", id=ids[1])))
    seen = tmp_path / "seen.json"
    seen.write_text(json.dumps(fleet.to_json()), encoding="utf-8")

    code, out, _ = run(capsys, "import", "--observation", seen, "--into", tmp_path / "fleet", "-o", "json")
    answer = json.loads(out)

    documents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((tmp_path / "fleet/vms").iterdir())]
    assert code == 0
    assert {document["metadata"]["name"]: document["spec"].get("id") for document in documents} == {
        "web-1a2b3c4d": ids[0],
        "Web-9f2b3c4d": ids[1],
        "files": None,
    }
    assert [(problem["code"], problem["subject"]) for problem in answer["problems"]] == [
        ("smb-path-without-fqdn", "virtualMachine/files")
    ]
    assert "storage" not in next(document["spec"] for document in documents if document["metadata"]["name"] == "files")


def test_hosts_are_asked_by_their_addresses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Live: no desired state is needed; a host that does not answer is told, and the exit code says incomplete."""
    fleet = demo_observation()
    with staged(fleet, ScaledClock(fleet.observed_at + timedelta(minutes=1), 20)) as stage:
        config = tmp_path / "winrm.yaml"
        endpoints = {name.casefold(): url for name, url in stage.config.endpoints.items()} | {"gone": "http://127.0.0.1:9"}
        config.touch(0o600)
        login = {"username": stage.config.username, "password": stage.config.password.reveal()}
        config.write_text(yaml.safe_dump({**login, "endpoints": endpoints}), encoding="utf-8")
        asked = ["standalone1.contoso.com", "standalone2.contoso.com", "gone.contoso.com"]

        code, out, err = run(capsys, "import", *asked, "--into", tmp_path / "fleet", "--config", config)

    assert code == 4, err
    assert "host/gone: host-unknown" in out
    assert "2 virtual machines, 3 hosts" in out
