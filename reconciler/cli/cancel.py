"""``reconciler cancel``: end one running migration; its machine stays at its source."""

from typing import Annotated

import typer

from reconciler.cli.arguments import DEFAULT_FOLDER, ConfigFile, Folder
from reconciler.cli.console import fail, finish, print_data, say
from reconciler.cli.inputs import desired_or_fail, hosts_or_fail
from reconciler.controller.cancel import cancel_migration
from reconciler.model.exit_codes import ExitCode
from reconciler.model.problem import Problem
from reconciler.wiring import system_clock


def cancel(
    name: Annotated[str, typer.Argument(metavar="VM", help="Name, or VMId where a name is not unique.")],
    folder: Folder = DEFAULT_FOLDER,
    config: ConfigFile = None,
) -> None:
    """Cancel the migration of one machine, whoever started it, and say where the machine is then."""
    desired = desired_or_fail(folder)
    with hosts_or_fail(config, may_change=True) as hosts:
        found = cancel_migration(name, desired, hosts, system_clock())
    if isinstance(found, Problem):
        fail(found)
    print_data(found.finding)
    if found.cancelled:
        say("The next apply starts it again where the desired state still wants it; a hold keeps it where it is.")
    finish(ExitCode.DONE if found.cancelled else ExitCode.PARTLY)
