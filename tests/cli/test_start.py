"""How commands start: listed without being loaded, and each loads what it needs and no more."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.commands import COMMANDS, LASTING, ListedCommand, loaded

STORY = Path(__file__).parents[1] / "scenarios" / "stand-alone"
SAVED = ["--observation", str(STORY / "observed.json")]


def test_the_list_says_of_each_command_what_the_command_says_of_itself() -> None:
    """``--help`` reads the list; the command is loaded only when it is called."""
    said = {name: loaded(name).help.partition("\n\n")[0].replace("\n", " ") for name in COMMANDS}

    assert said == {name: help_line for name, (_, help_line) in COMMANDS.items()}


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (["--help"], {"pydantic", "reconciler.plan", "reconciler.report", "winrm", "aiohttp"}),
        (["validate", str(STORY / "desired")], {"jsonschema", "reconciler.plan", "winrm", "aiohttp"}),
        (["plan", str(STORY / "desired"), *SAVED], {"jsonschema", "winrm", "aiohttp", "reconciler.simulator"}),
    ],
    ids=["help", "validate", "plan"],
)
def test_a_command_loads_nothing_heavy_that_it_does_not_need(arguments: list[str], unneeded: set[str]) -> None:
    """A second spent loading libraries is a second that every hook in every editor and pipeline waits."""
    script = "import sys; from reconciler.cli.main import main; main(sys.argv[1:]); print('loaded', *sys.modules)"

    ended = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)

    loaded_modules = set(ended.stdout.splitlines()[-1].split())
    assert "reconciler.cli.commands" in loaded_modules
    assert loaded_modules & unneeded == set()


def test_the_collector_rests_while_a_short_command_runs_and_is_as_it_was_afterwards() -> None:
    """Whatever a command reads and plans stays until it ends; only those that go on for hours clean up after themselves."""
    assert set(COMMANDS) > LASTING
    for name in ("schema", "demo"):
        assert gc.isenabled()
        with ListedCommand(name).make_context(name, []):
            assert gc.isenabled() is (name in LASTING)
    assert gc.isenabled()
