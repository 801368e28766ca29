"""``reconciler leftovers``: what migrations left on hosts, with the commands to look at it and to clean it. Removes nothing."""

from reconciler.cli.arguments import DEFAULT_FOLDER, ConfigFile, Folder, ObservationFile, PlainOutput, StateFile, TextOrJson
from reconciler.cli.console import finish, print_data, print_json, use_color, width
from reconciler.cli.inputs import desired_or_fail, entries_or_fail, observation_or_fail
from reconciler.controller.recall import STEP_KINDS
from reconciler.leftovers import find_leftovers
from reconciler.model.exit_codes import ExitCode
from reconciler.report.leftovers import leftovers_text
from reconciler.wiring import system_clock


def leftovers(
    folder: Folder = DEFAULT_FOLDER,
    observation: ObservationFile = None,
    config: ConfigFile = None,
    state: StateFile = None,
    output: PlainOutput = TextOrJson.TEXT,
) -> None:
    """List what migrations may have left on hosts, each with the command that cleans it. Removes nothing itself."""
    clock = system_clock()
    desired = desired_or_fail(folder)
    entries = entries_or_fail(state, clock, STEP_KINDS)
    found = find_leftovers(entries, desired, observation_or_fail(desired, observation, config, clock))
    if output is TextOrJson.JSON:
        print_json(found.to_json())
    else:
        print_data(leftovers_text(found, width=width(), color=use_color()))
    finish(ExitCode.INCOMPLETE if found.unseen else ExitCode.DONE)
