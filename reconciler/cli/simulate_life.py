"""``reconciler simulate-life``: live through simulated weeks of fleets from seeds, and check every step of them."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from reconciler.cli.console import fail, finish, print_data, say
from reconciler.model.exit_codes import ExitCode
from reconciler.model.problem import Problem
from reconciler.simulation import Options, Result, Summary, live, live_many, shrink, summary_lines


def simulate_life(
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many lives.")] = 100,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, help="The seed of the first; the others follow.")] = 1,
    processes: Annotated[int, typer.Option("--processes", min=1, max=64, help="How many at once.")] = 2,
    options: Annotated[
        Path | None,
        typer.Option("--options", metavar="FILE", help="Live these options again (JSON, as printed)."),
    ] = None,
    log: Annotated[Path | None, typer.Option("--log", metavar="FILE", help="Write the last log here.")] = None,
    shrinking: Annotated[bool, typer.Option("--shrink/--no-shrink", help="Make the first failing life small.")] = True,
) -> None:
    """Live through weeks of simulated fleets with faults and people, checking every invariant at every step."""
    summary = Summary()
    results = iter([live(_read(options))]) if options else live_many(range(first_seed, first_seed + seeds), processes)
    for result in results:
        summary.add(result)
        _tell(result, summary.lives)
        if log and (result.violation or options):
            log.write_text("\n".join(result.lines) + "\n", encoding="utf-8")
    for line in summary_lines(summary):
        print_data(line)
    if summary.failed and shrinking and not options:
        _show_small(summary.failed[0])
    finish(ExitCode.ERROR if summary.failed else ExitCode.DONE)


def _read(file: Path) -> Options:
    try:
        return Options.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        remedy = "give a file with the options that a failing seed printed"
        fail(Problem("unreadable-options", str(error), remedy, subject=str(file)))


def _tell(result: Result, number: int) -> None:
    if result.violation is None:
        if number % 25 == 0:
            say(f"{number} lives")
        return
    invariant, finding = result.violation
    print_data(f"seed {result.options.seed} broke {invariant}: {finding}")
    print_data(f"  options: {_json(result.options)}")


def _show_small(result: Result) -> None:
    say("making it smaller ...")
    small = shrink(result.options)
    print_data(f"smallest life that breaks {result.violation[0] if result.violation else ''}: {_json(small)}")


def _json(options: Options) -> Any:
    return json.dumps(options.to_json(), sort_keys=True)
