"""``reconciler doctor``: is the way clear? Every host, and every pair of hosts that a machine needs. Changes nothing."""

from pathlib import Path

from reconciler.cli.arguments import DEFAULT_FOLDER, ConfigFile, Folder, ObservationFile, Output, OutputFormat
from reconciler.cli.console import finish, print_data, print_json, say, use_color, width
from reconciler.cli.inputs import desired_or_fail, hosts_or_fail, saved_observation_or_fail
from reconciler.cli.plan import think_or_fail
from reconciler.clock import Clock
from reconciler.doctor import examine, questions_for, ways_needed
from reconciler.hosts.port import Hosts
from reconciler.model.desired import Desired
from reconciler.model.diagnosis import Checkup, Verdict
from reconciler.model.exit_codes import ExitCode
from reconciler.model.words import HostStatus
from reconciler.observe import diagnose, survey, targets_of
from reconciler.report.checkup import checkup_markdown, checkup_text
from reconciler.wiring import system_clock


def doctor(
    folder: Folder = DEFAULT_FOLDER,
    observation: ObservationFile = None,
    config: ConfigFile = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Check what migrations need: each host, each pair that the plan or a placement asks for; with the command that mends.

    Exits 4 where a host could not be seen in full, 6 where a check says no, else 0.
    """
    desired = desired_or_fail(folder)
    if observation is not None:
        checkup, complete = _from_file(desired, observation)
    else:
        with hosts_or_fail(config) as hosts:
            say(f"Asking {len(desired.hosts)} hosts ...")
            checkup, complete = check_up(desired, hosts, system_clock())
    if output is OutputFormat.JSON:
        print_json(checkup.to_json())
    elif output is OutputFormat.MARKDOWN:
        print_data(checkup_markdown(checkup))
    else:
        print_data(checkup_text(checkup, width=width(), color=use_color()))
    finish(_exit_code(checkup, complete=complete))


def check_up(desired: Desired, hosts: Hosts, clock: Clock) -> tuple[Checkup, bool]:
    """Ask all hosts and return the matrix, and whether all of them were seen in full."""
    targets = targets_of(desired)
    seen = survey(hosts, targets, clock)
    thought = think_or_fail(desired, seen)
    ways = ways_needed(desired, seen, thought.drift, thought.plan)
    addresses = {target.name: target.address for target in targets}
    questions = {target.name: questions_for(ways, addresses, target.name) for target in targets}
    told = diagnose(hosts, targets, questions, clock)
    complete = all(host.status is HostStatus.OK for host in seen.hosts)
    return examine(desired, seen, thought.drift, ways, told), complete


def _from_file(desired: Desired, file: Path) -> tuple[Checkup, bool]:
    seen = saved_observation_or_fail(file)
    thought = think_or_fail(desired, seen)
    ways = ways_needed(desired, seen, thought.drift, thought.plan)
    return examine(desired, seen, thought.drift, ways, {}), all(host.status is HostStatus.OK for host in seen.hosts)


def _exit_code(checkup: Checkup, *, complete: bool) -> ExitCode:
    if not complete:
        return ExitCode.INCOMPLETE
    return ExitCode.PARTLY if checkup.cells(Verdict.NO) else ExitCode.DONE
