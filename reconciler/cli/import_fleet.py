"""``reconciler import``: an existing fleet becomes a desired state that asks for just what is. Changes no host."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.arguments import ConfigFile, ObservationFile, PlainOutput, TextOrJson
from reconciler.cli.console import fail, finish, print_data, print_json, say, use_color
from reconciler.cli.inputs import hosts_or_fail, saved_observation_or_fail
from reconciler.cli.plan import think_or_fail
from reconciler.desired import SourceFile, load_desired
from reconciler.files import read_folder, write_folder
from reconciler.hosts.port import Target
from reconciler.importer import Imported, Layout, Wishes, files_for, import_fleet, yaml_text
from reconciler.model.desired import Desired
from reconciler.model.exit_codes import ExitCode
from reconciler.model.observation import Observation
from reconciler.model.problem import Problem
from reconciler.model.words import HostStatus
from reconciler.observe import survey
from reconciler.report.imported import imported_json, imported_text
from reconciler.wiring import system_clock


def import_(
    hosts: Annotated[
        list[str] | None, typer.Argument(metavar="HOST...", help="DNS names of the hosts to ask.", show_default=False)
    ] = None,
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="Folder to write to; made where missing.")] = Path(
        "desired-state"
    ),
    observation: ObservationFile = None,
    layout: Annotated[
        Layout,
        typer.Option(
            "--layout", help="each: a file for every host and machine; grouped: by kind and placement; one: one file."
        ),
    ] = Layout.EACH,
    host_settings: Annotated[
        bool, typer.Option("--host-settings", help="Manage the settings of hosts and clusters too, as they are now.")
    ] = False,
    pin: Annotated[
        bool, typer.Option("--pin", help="Place machines with a cluster role on their host, not just in their cluster.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of the same names.")] = False,
    config: ConfigFile = None,
    output: PlainOutput = TextOrJson.TEXT,
) -> None:
    """Write the desired state of a fleet as it is: placement and storage of every machine. Its plan is empty."""
    seen = _observation(hosts or [], observation, config)
    imported = import_fleet(seen, Wishes(host_settings, pin))
    texts = {name: yaml_text(parts, 1 + name.count("/")) for name, parts in files_for(imported, layout).items()}
    desired = _proven(texts, seen)
    _refuse_clashes(into, texts)
    problems = write_folder(into, texts, overwrite=overwrite)
    if problems:
        fail(*problems)
    _show(imported, desired, [(into / name).as_posix() for name in texts], output)
    finish(ExitCode.INCOMPLETE if any(host.status is not HostStatus.OK for host in seen.hosts) else ExitCode.DONE)


def _observation(hosts: list[str], file: Path | None, config: Path | None) -> Observation:
    if bool(hosts) == bool(file):
        finding = "name the hosts to ask, or a saved observation" + (", not both" if hosts else "")
        remedy = "reconciler import host1.contoso.com host2.contoso.com, or reconciler import --observation FILE"
        fail(Problem("usage", finding, remedy, subject="import"), code=ExitCode.USAGE)
    if file is not None:
        return saved_observation_or_fail(file)
    with hosts_or_fail(config) as reached:
        say(f"Asking {len(hosts)} hosts ...")
        return survey(reached, _targets(hosts), system_clock())


def _targets(addresses: list[str]) -> list[Target]:
    """Return the hosts under the first label of their address, or under all of it where two begin alike."""
    distinct = list({address.casefold(): address for address in addresses}.values())
    first = [address.partition(".")[0].casefold() for address in distinct]
    return [
        Target(address if first.count(label) > 1 or label.isdigit() else address.partition(".")[0], address)
        for address, label in zip(distinct, first, strict=True)
    ]


def _proven(texts: Mapping[str, str], seen: Observation) -> Desired:
    """Return the desired state that the texts make; nothing is written unless it is sound and its plan is empty."""
    loaded = load_desired([SourceFile(name, text.encode("utf-8")) for name, text in texts.items()])
    if loaded.desired is None or (loaded.problems and texts):
        fail(*loaded.problems, _bug("what would be written is not sound"))
    plan = think_or_fail(loaded.desired, seen).plan
    if plan.has_changes or plan.blocked:
        fail(_bug(f"what would be written asks for {len(plan.steps)} steps, {len(plan.blocked)} blocked"))
    return loaded.desired


def _refuse_clashes(into: Path, texts: Mapping[str, str]) -> None:
    """End the command where the new files would not be sound beside those that the folder already has."""
    if not into.is_dir():
        return
    ours = {(into / name).as_posix(): text for name, text in texts.items()}
    others = [file for file in read_folder(into)[0] if file.name not in ours]
    beside = load_desired([*others, *(SourceFile(name, text.encode("utf-8")) for name, text in ours.items())])
    if beside.desired is None:
        remedy = "import into an empty folder with --into, and take over from there what you need"
        fail(*beside.problems, Problem("folder-in-use", "nothing was written", remedy, subject=str(into)))


def _show(imported: Imported, desired: Desired, files: list[str], output: TextOrJson) -> None:
    if output is TextOrJson.JSON:
        print_json(imported_json(desired, files, imported.problems))
    else:
        print_data(imported_text(desired, files, imported.problems, color=use_color()))


def _bug(finding: str) -> Problem:
    remedy = "nothing was written; this is a bug in reconciler: please report it with the saved observation"
    return Problem("unsound-import", finding, remedy, subject="reconciler")
