"""The example of the README as a pull request: its base has every machine where it runs, its head is the committed example."""

from datetime import UTC, datetime
from pathlib import Path

from reconciler.desired import SourceFile
from reconciler.files import read_folder, read_observation
from reconciler.model.observation import Observation
from reconciler.preview import Revision

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WINDOW = "windows: [{days: [Sat, Sun], start: '22:00', end: '06:00', timeZone: Europe/Berlin}]"
# Head → base: where the machines are now.
BEFORE = (
    (
        "metadata: {name: HAVM1, labels: {app: orders}}\nspec:\n  placement: {host: Cluster2Node1}",
        "Cluster2Node1",
        "Cluster1Node1",
    ),
    (
        "metadata: {name: HAVM2, labels: {app: orders}}\nspec:\n  placement: {host: Cluster1Node2}",
        "Cluster1Node2",
        "Cluster1Node1",
    ),
    ("placement: {host: StandAlone2}", "StandAlone2", "StandAlone1"),
    (
        "metadata: {name: StandAloneVM3, labels: {app: reports}}\nspec:\n  placement: {host: StandAlone1}",
        "StandAlone1",
        "StandAlone3",
    ),
    (r"path: '\\fileserver1.contoso.com\smbshare\StandAloneVM4'", r"\\fileserver1.contoso.com\smbshare", r"D:\VMs"),
)


def head_files() -> list[SourceFile]:
    """The committed example, with a window."""
    files, _ = read_folder(ROOT / "desired-state")
    return [
        SourceFile(
            str(Path(file.name).relative_to(ROOT).as_posix()),
            file.content.replace(b"observation: {max", WINDOW.encode() + b"\n  observation: {max"),
        )
        for file in files
    ]


def base_files() -> list[SourceFile]:
    """The same before anybody asked for moves; two of them were asked for earlier and are still due."""
    return [SourceFile(file.name, _before(file.content.decode()).encode()) for file in head_files()]


def _before(text: str) -> str:
    for part, now, then in BEFORE:
        text = text.replace(part, part.replace(now, then))
    return text


def observation() -> Observation:
    return read_observation(ROOT / "reconciler/simulator/fleets/demo.json")


def revisions() -> tuple[Revision, Revision]:
    return Revision.of("main", "4f0c2d1" + "0" * 33, base_files()), Revision.of("move-shop", "9b1e77a" + "0" * 33, head_files())
