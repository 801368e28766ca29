"""The list of commands, each loaded when it is the one that was asked for.

What a command imports (a WinRM client, a simulated fleet, a planner) takes longer than many commands run; so ``--help``,
``--version`` and ``validate`` pay for none of it. The line that ``--help`` shows stands here and in the command's docstring; a
test holds them together.
"""

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from reconciler.collector import collector_at_rest

# Name: module below reconciler.cli and function in it, and what --help says.
COMMANDS: Final = {
    "validate": (
        "validate:validate",
        "Check the desired state: every problem of every file at once, with its place and remedy.",
    ),
    "observe": (
        "observe:observe",
        "Ask every host of the desired state once; a host that does not answer is named, with the reason.",
    ),
    "plan": ("plan:plan", "Show the exact moves that bring the fleet to its desired state, and why each is needed."),
    "preview": (
        "preview:preview",
        "Show what a change does before it is merged: moves it adds and removes, changed fields, blocked machines, risk.",
    ),
    "comment": ("comment:comment", "Post a saved preview to its pull request. The token comes from the environment only."),
    "apply": (
        "apply:apply",
        "Migrate what is out of place, verify every step by observation, and report the drift that is left.",
    ),
    "cancel": ("cancel:cancel", "Cancel the migration of one machine, whoever started it, and say where the machine is then."),
    "drift": ("plan:drift", "Show what differs between desired state and fleet, and what is done about each difference."),
    "explain": (
        "explain:explain",
        "Explain one machine, host or cluster: where it stands and may stand, what is refused and why, what it waits for.",
    ),
    "doctor": (
        "doctor:doctor",
        "Check what migrations need: each host, each pair that the plan or a placement asks for; with the command that mends.",
    ),
    "selftest": (
        "selftest:selftest",
        "Try on one host all that only reads: scripts, encodings, large answers, quotas. Exits 6 where an exercise fails.",
    ),
    "status": (
        "status:status",
        "List the migrations that run on the hosts now (machine, kind, from, to, percent), and the machines that are held.",
    ),
    "hold": (
        "hold:hold",
        "Leave a machine alone from now on, for an owner and a reason: nothing is started for it, also by an apply that runs.",
    ),
    "release": (
        "hold:release",
        "Lift the runtime hold of a machine; where several owners hold it, one at a time. Holds in YAML are lifted there.",
    ),
    "history": (
        "history:history",
        "Show what was planned, started, and came of it: when, by whom, for which commit. Reads the store alone, no host.",
    ),
    "leftovers": (
        "leftovers:leftovers",
        "List what migrations may have left on hosts, each with the command that cleans it. Removes nothing itself.",
    ),
    "import": (
        "import_fleet:import_",
        "Write the desired state of a fleet as it is: placement and storage of every machine. Its plan is empty.",
    ),
    "run": (
        "run:run",
        "Follow a desired state: pass after pass, with an API, metrics and notices; ends gracefully on SIGTERM.",
    ),
    "approve": (
        "approve:approve",
        "Let one plan start, once, where the service waits for approval: that very content, and nothing else.",
    ),
    "token": (
        "token:token",
        "Make a token for the API and add its hash to a file; the token itself is printed, once.",
    ),
    "keys": (
        "keys:keys",
        "Make a pair of Ed25519 keys. The private one signs (observe --publish), the public one checks (preview --verify-key).",
    ),
    "schema": ("schema:schema", "List, print or export the JSON Schemas of the desired state, the observation and the plan."),
    "simulate": ("simulate:simulate", "Serve a simulated fleet, one WinRM endpoint per host, until Ctrl-C."),
    "simulate-life": (
        "simulate_life:simulate_life",
        "Live through weeks of simulated fleets with faults and people, checking every invariant at every step.",
    ),
    "demo": ("demo:demo", "Start a simulated fleet, plan, migrate, verify, and plan again: nothing left to do."),
}

# Commands that go on for as long as migrations, or people, take; the others are done before the collector has anything to do.
LASTING: Final = frozenset({"apply", "cancel", "run", "simulate", "simulate-life", "demo"})


class ListedCommand(TyperCommand):
    """A command of the list: its name and help are known, its options only once it is called."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Load the command and let it parse its arguments; the context is the loaded command's own."""
        context = loaded(str(self.name)).make_context(info_name, args, parent=parent, **extra)
        if self.name not in LASTING:
            context.with_resource(collector_at_rest())
        return context


class Commands(TyperGroup):
    """All commands of the list, in its order."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (_, help_line) in COMMANDS.items():
            self.add_command(ListedCommand(name, help=help_line))


def loaded(name: str) -> Any:
    """Return a command with its options: imports all that it needs."""
    module, _, function = COMMANDS[name][0].partition(":")
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name)(getattr(import_module(f"reconciler.cli.{module}"), function))
    return typer.main.get_command(single)
