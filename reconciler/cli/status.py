"""``reconciler status``: which migrations run now, whoever started them, and which machines are held."""

from reconciler.cli.arguments import DEFAULT_FOLDER, ConfigFile, Folder, ObservationFile, PlainOutput, StateFile, TextOrJson
from reconciler.cli.console import finish, print_data, print_json, use_color, width
from reconciler.cli.inputs import desired_under_holds, observation_or_fail
from reconciler.desired.holding import holds_of
from reconciler.model.exit_codes import ExitCode
from reconciler.model.words import HostStatus
from reconciler.report import migrations_json, migrations_text
from reconciler.wiring import system_clock


def status(
    folder: Folder = DEFAULT_FOLDER,
    observation: ObservationFile = None,
    config: ConfigFile = None,
    state: StateFile = None,
    output: PlainOutput = TextOrJson.TEXT,
) -> None:
    """List the migrations that run on the hosts now (machine, kind, from, to, percent), and the machines that are held."""
    clock = system_clock()
    desired = desired_under_holds(folder, state, clock)
    seen = observation_or_fail(desired, observation, config, clock)
    held = holds_of(desired, clock.now())
    if output is TextOrJson.JSON:
        print_json(migrations_json(seen, held))
    else:
        print_data(migrations_text(seen, held, width=width(), color=use_color()))
    incomplete = any(host.status is not HostStatus.OK for host in seen.hosts)
    finish(ExitCode.INCOMPLETE if incomplete else ExitCode.DONE)
