"""``reconciler demo``: the whole road once, on a simulated fleet, with the production code all the way.

Only the fleet is made up. The desired state is read from YAML, the real client speaks WS-Man with NTLM and message encryption
to one endpoint per simulated host, and every other part is the one that runs against Windows.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.apply import run_apply, show_report
from reconciler.cli.arguments import DEFAULT_FOLDER, OutputFormat
from reconciler.cli.console import finish, print_data, use_color, width
from reconciler.cli.inputs import desired_or_fail
from reconciler.cli.plan import think_or_fail
from reconciler.clock import Clock, ScaledClock
from reconciler.controller import Options
from reconciler.hosts.port import Hosts
from reconciler.hosts.winrm.adapter import WinRmHosts
from reconciler.model.desired import Desired
from reconciler.model.exit_codes import ExitCode
from reconciler.observe import survey, targets_of
from reconciler.report import plan_text
from reconciler.simulator.fleets import demo_observation
from reconciler.simulator.stage import staged
from reconciler.store import MemoryStore


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The desired state to carry out.")] = DEFAULT_FOLDER,
    speed: Annotated[float, typer.Option("--speed", min=0.1, max=1000, help="Simulated seconds per second.")] = 10,
) -> None:
    """Start a simulated fleet, plan, migrate, verify, and plan again: nothing left to do."""
    desired = desired_or_fail(folder)
    fleet = demo_observation()
    clock = ScaledClock(fleet.observed_at + timedelta(minutes=1), speed)
    with staged(fleet, clock) as stage:
        hosts = WinRmHosts(stage.config)
        try:
            finish(_act(desired, hosts, clock, speed))
        finally:
            hosts.close()


def _act(desired: Desired, hosts: Hosts, clock: Clock, speed: float) -> ExitCode:
    _headline(f"A simulated fleet of {len(desired.hosts)} hosts is up: WinRM on loopback, NTLM, encrypted messages.")
    _headline("1. The plan: what the desired state asks for, compared with what the hosts report")
    _show_plan(desired, hosts, clock)
    _headline(f"2. The migrations, {speed:g} times as fast as they would be")
    report = run_apply(desired, hosts, MemoryStore(clock), clock, Options())
    _headline("3. What came of it, verified by looking again")
    show_report(report, OutputFormat.TEXT)
    _headline("4. Planned once more")
    _show_plan(desired, hosts, clock)
    return ExitCode(report.exit_code)


def _show_plan(desired: Desired, hosts: Hosts, clock: Clock) -> None:
    seen = survey(hosts, targets_of(desired), clock)
    plan = think_or_fail(desired, seen).plan
    print_data(plan_text(plan, desired, seen, width=width(), color=use_color()))


def _headline(text: str) -> None:
    line = f"\n\033[1m{text}\033[0m\n" if use_color() else f"\n{text}\n"
    print_data(line)
