"""The whole road once: a bare Git repository, a real ``reconciler run`` process, a simulated fleet over WinRM, and its API.

Commit, migrations, verified; drift made by hand, put right; a bad commit, refused; recovery; SIGTERM in the middle; restart.
The test waits for the service's own events, never for time to pass.
"""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from reconciler.clock import ScaledClock
from reconciler.files import read_observation
from reconciler.hosts.port import StartMigration
from reconciler.model.words import MigrationKind
from reconciler.published.envelope import opened
from reconciler.published.keys import make_keys, read_public_key
from reconciler.simulator.stage import Stage, staged
from tests.unit.forges.fakes import TOKEN, FakeGitHub, serving

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
    pytest.mark.skipif(os.name != "posix", reason="SIGTERM is POSIX"),
]
SPEED = 20.0
MOST_LINES = 1000
RECORD = os.environ.get("RECORD_SERVICE_RUN")


STORY = Path(__file__).parents[1] / "scenarios" / "stand-alone"
MACHINE = "virtualMachine/StandAloneVM1"


def fleet_yaml(host: str) -> str:
    """The scenario's desired state, with its machine on that host."""
    return (STORY / "desired" / "fleet.yaml").read_text("utf-8").replace("{host: StandAlone2}", f"{{host: {host}}}")


@dataclass
class Scene:
    """The repository, the fleet, and the service's process."""

    folder: Path
    stage: Stage
    process: "subprocess.Popen[str] | None" = None
    url: str = ""
    log: list[str] = field(default_factory=list)

    def commit(self, text: str) -> str:
        work = self.folder / "work"
        (work / "desired-state").mkdir(exist_ok=True)
        (work / "desired-state" / "fleet.yaml").write_text(text, "utf-8")
        self.git(work, "add", ".")
        self.git(work, "commit", "--quiet", "-m", "change")
        self.git(work, "push", "--quiet", "origin", "main")
        return self.git(work, "rev-parse", "HEAD")

    @staticmethod
    def git(where: Path, *arguments: str) -> str:
        who = {f"GIT_{role}_{what}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        settings = ("-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main")
        done = subprocess.run(
            ["git", *settings, *arguments], cwd=where, check=True, capture_output=True, text=True, env=os.environ | who
        )
        return done.stdout.strip()

    @contextmanager
    def running(self) -> Iterator[None]:
        """A service, from its first word to its last."""
        command = [sys.executable, "-m", "reconciler", "run", "--config", str(self.folder / "service.yaml")]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=self.folder, env=self._environment())
        assert self.process.stderr is not None
        try:
            for line in self.process.stderr:
                self.log.append(line)
                if "API at " in line:
                    self.url = line.rpartition("API at ")[2].strip()
                    break
            yield
        finally:
            self.stop()

    def _environment(self) -> dict[str, str]:
        root = str(Path(__file__).parents[2])
        return os.environ | {"PYTHONPATH": root, "RECONCILER_CACHE": "", "NO_COLOR": "1"}

    def stop(self) -> int:
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        with process.stderr:
            self.log += process.stderr.readlines()
        return process.wait(60)

    def until(self, name: str, subject: str, events: Iterator[dict[str, Any]]) -> dict[str, Any]:
        """Wait for an event of the service's own stream."""
        seen = list[tuple[str, str]]()
        for event in events:
            seen.append((event["name"], event["subject"]))
            if seen[-1] == (name, subject):
                return event
        raise AssertionError(f"no {name} of {subject} among {seen}")

    def events(self) -> Iterator[dict[str, Any]]:
        with requests.get(f"{self.url}/api/v1/events/stream", stream=True, timeout=60) as stream:
            for number, line in enumerate(map(bytes.decode, stream.iter_lines(chunk_size=1))):
                assert number < MOST_LINES, "heartbeats only: what is waited for does not come"
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def get(self, path: str) -> Any:
        return requests.get(self.url + path, timeout=30)

    def preview(self, host: str) -> list[tuple[str, str, str]]:
        """What the service says that a desired state, sent as an archive, would do."""
        file, packed = fleet_yaml(host).encode(), io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            member = tarfile.TarInfo("fleet.yaml")
            member.size = len(file)
            archive.addfile(member, io.BytesIO(file))
        headers = {"Content-Type": "application/gzip"}
        answer = requests.post(f"{self.url}/api/v1/preview", data=packed.getvalue(), headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        steps = [(one["change"], one["step"]) for one in answer.json()["steps"]]
        return [(change, step["source"], step["destination"]) for change, step in steps]

    def published_hosts(self) -> list[str]:
        """The hosts of the observation that the service publishes, at its address and in its file."""
        key = read_public_key(str(self.folder / "fleet.key.pub"))
        contents = [self.get("/api/v1/observation/signed").content, (self.folder / "observation.json").read_bytes()]
        found = [opened(content, [key], datetime.now(UTC) + timedelta(hours=1), timedelta(days=1)) for content in contents]
        assert [host.name for host in found[0].hosts] == [host.name for host in found[1].hosts]
        return [host.name for host in found[0].hosts]

    def is_ready(self, machine: str) -> bool:
        """Whether the service says so."""
        conditions = self.get(f"/api/v1/machines/{machine}").json()["conditions"]
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def where(self) -> str:
        """The host that has the machine."""
        ((host, _),) = self.stage.world.observation().machines()
        return host.name


@pytest.fixture
def forge() -> Iterator[FakeGitHub]:
    """A forge on which every commit came with pull request 7."""
    fake = FakeGitHub()
    fake.every_commit_is_merged = True
    with serving(fake):
        yield fake


@pytest.fixture
def scene(tmp_path: Path, forge: FakeGitHub) -> Iterator[Scene]:
    Scene.git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    Scene.git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), "work")
    Scene.git(tmp_path / "work", "checkout", "--quiet", "-B", "main")
    with staged(read_observation(STORY / "observed.json"), ScaledClock(datetime.now(UTC), SPEED)) as stage:
        winrm = {"username": stage.config.username, "password": stage.config.password.reveal()}
        config = tmp_path / "winrm.yaml"
        config.write_text(yaml.safe_dump(winrm | {"endpoints": dict(stage.config.endpoints)}), "utf-8")
        config.chmod(0o600)
        service = {
            "source": {"git": {"url": str(tmp_path / "origin.git"), "clone": "clone", "pollSeconds": 1}},
            "intervalSeconds": 2,
            "state": "store.sqlite3",
            "winrm": "winrm.yaml",
            "api": {"port": 0},
            "publish": {"signKey": "fleet.key", "file": "observation.json"},
            "forge": {"name": "github", "repository": "contoso/fleet", "url": forge.url, "token": "forge-token"},
            "log": {"format": "json"},
        }
        (tmp_path / "forge-token").write_text(TOKEN + "\n", "utf-8")
        make_keys(tmp_path / "fleet.key")
        (tmp_path / "service.yaml").write_text(yaml.safe_dump(service), "utf-8")
        yield Scene(tmp_path, stage)


def test_commit_migrate_drift_bad_commit_recovery_stop_and_restart(scene: Scene, forge: FakeGitHub) -> None:
    scene.commit(fleet_yaml("StandAlone1"))
    with scene.running():
        events = scene.events()
        scene.until("desired-state-changed", "source", events)
        moved = scene.commit(fleet_yaml("StandAlone2"))
        done = scene.until("step-done", MACHINE, events)
        assert (scene.where(), done["data"]["destination"]) == ("StandAlone2", "StandAlone2")

        ((_, machine),) = scene.stage.world.observation().machines()
        scene.stage.world.execute("StandAlone2", StartMigration(machine.id, MigrationKind.LIVE, "standalone1.contoso.com"))
        drifted = scene.until("drifted", MACHINE, events)
        assert drifted["data"]["cause"] == "operator"
        scene.until("step-done", MACHINE, events)
        assert scene.where() == "StandAlone2"

        assert scene.preview("StandAlone1") == [("added", "StandAlone2", "StandAlone1")]
        assert scene.published_hosts() == ["StandAlone1", "StandAlone2"]

        bad = scene.commit(fleet_yaml("StandAlone1").replace("placement", "plaicement"))
        refused = scene.until("desired-state-refused", "source", events)
        assert "plaicement" in refused["message"]
        status = scene.get("/api/v1/status").json()
        assert (status["source"]["revision"], status["source"]["refused"]) == (moved, bad)
        assert scene.where() == "StandAlone2"

        scene.commit(fleet_yaml("StandAlone1"))
        scene.until("step-started", MACHINE, events)
        metrics = scene.get("/metrics").text
        assert scene.stop() == 0

    with scene.running():
        events = scene.events()
        scene.until("desired-state-changed", "source", events)
        if not scene.is_ready("StandAloneVM1"):
            scene.until("ready", MACHINE, events)
        history = scene.get("/api/v1/history?about=StandAloneVM1&limit=100").json()["entries"]
        assert scene.stop() == 0

    assert scene.where() == "StandAlone1"
    (comment,) = forge.bodies()
    assert comment.startswith("<!-- reconciler:commit -->\n\n### ✓ reconciler: carried out: 1 migration done and verified")
    words = [(status["path"].rpartition("/")[2], status["state"]) for status in forge.statuses]
    assert {(moved, "success"), (bad, "failure")} <= set(words)
    assert [entry["kind"] for entry in history].count("intent") == 3
    assert 'reconciler_steps_total{state="done"} 2.0' in metrics
    lines = [json.loads(line) for line in scene.log if line.startswith("{")]
    assert {"service-started", "service-stopped", "desired-state-refused", "step-done"} <= {line["event"] for line in lines}
    if RECORD:
        _record(Path(RECORD), [line.replace(str(scene.folder), "/srv") for line in scene.log], metrics)


def _record(file: Path, log: list[str], metrics: str) -> None:
    shown = "".join(line for line in log if line.startswith("{"))
    file.write_text(f"# A run of the service, as it was seen\n\n```json\n{shown}```\n\n```\n{metrics}```\n", "utf-8")
