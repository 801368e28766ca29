"""``reconciler explain``: why a machine, host or cluster stands as it does, and what would help. Changes nothing."""

from typing import Annotated

import typer

from reconciler.cli.arguments import DEFAULT_FOLDER, ConfigFile, Folder, ObservationFile, PlainOutput, StateFile, TextOrJson
from reconciler.cli.console import fail, finish, print_data, print_json, use_color, width
from reconciler.cli.inputs import announced_or_fail, desired_under_holds, memory_or_fail, observation_or_fail
from reconciler.cli.plan import think_or_fail
from reconciler.explain import explain as explanation_of
from reconciler.model.exit_codes import ExitCode
from reconciler.model.problem import Problem
from reconciler.report.explain import explanation_text
from reconciler.wiring import system_clock


def explain(
    name: Annotated[str, typer.Argument(metavar="VM|HOST|CLUSTER", help="Name, or VMId where a name is not unique.")],
    folder: Folder = DEFAULT_FOLDER,
    observation: ObservationFile = None,
    config: ConfigFile = None,
    state: StateFile = None,
    output: PlainOutput = TextOrJson.TEXT,
) -> None:
    """Explain one machine, host or cluster: where it stands and may stand, what is refused and why, what it waits for."""
    clock = system_clock()
    desired = desired_under_holds(folder, state, clock)
    seen = observation_or_fail(desired, observation, config, clock)
    thought = think_or_fail(desired, seen, announced_or_fail(state, clock))
    # A saved observation is explained as of its own time; as of today everything in it would only be stale.
    now = seen.observed_at if observation else clock.now()
    memory = memory_or_fail(state, clock, now)
    answer = explanation_of(desired, seen, thought.drift, thought.plan, name, now=now, memory=memory)
    if isinstance(answer, Problem):
        fail(answer)
    if output is TextOrJson.JSON:
        print_json(answer.to_json())
    else:
        print_data(explanation_text(answer, thought.plan, desired, width=width(), color=use_color()))
    finish(ExitCode.DONE)
