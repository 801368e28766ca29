"""The exit codes of every command, what each means, and the one rule that turns a plan into one of them.

They are part of the public contract: pipelines branch on them. A command that ends for a reason of its own (wrong usage, a
stale plan, an interruption) uses the code directly; everything that follows from a plan goes through ``exit_code_for``.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # every command knows its exit codes, and few ever see a plan
    from reconciler.model.plan import Plan

GUARDRAIL = "guardrail-"


class ExitCode(IntEnum):
    """What the process returns. ``meaning`` is the line that ``--help`` prints for it."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    GUARDRAIL = 3
    INCOMPLETE = 4
    STALE = 5
    PARTLY = 6
    USAGE = 64
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """One line for people."""
        return MEANINGS[self]


MEANINGS = {
    ExitCode.DONE: "done, or nothing to change",
    ExitCode.ERROR: "error: no usable answer",
    ExitCode.CHANGES: "changes present (plan and drift: only with --detailed-exitcode)",
    ExitCode.GUARDRAIL: "held back by a guard rail",
    ExitCode.INCOMPLETE: "the observation is incomplete: something the desired state names is unknown",
    ExitCode.STALE: "stale plan: what would be done is no longer what was saved",
    ExitCode.PARTLY: "partly applied, or something is blocked",
    ExitCode.USAGE: "wrong usage",
    ExitCode.INTERRUPTED: "interrupted",
}


def exit_code_table() -> str:
    """Return all codes with their meanings, one a line, right-aligned numbers, for ``--help``."""
    return "\n".join(f"{code.value:>3}  {code.meaning}" for code in ExitCode)


def exit_code_for(plan: "Plan", *, detailed: bool, always: bool) -> tuple[ExitCode, str]:
    """Return the exit code that a plan calls for, and the reason as a short sentence without a full stop.

    ``detailed`` is ``--detailed-exitcode``; ``always`` is for commands that change something (apply, one pass of run). With
    neither, a command exits 0 whenever it could answer. Otherwise the first that holds of 1, 4, 3, 6, 2, 0 wins.
    """
    findings = list(_findings(plan))
    if not (detailed or always):
        findings = [finding for finding in findings if finding[0] is ExitCode.ERROR]
    return findings[0] if findings else (ExitCode.DONE, _done(plan))


def _findings(plan: "Plan") -> Iterator[tuple[ExitCode, str]]:
    errors = [problem for problem in plan.problems if problem.severity == "error"]
    guards = [problem for problem in errors if problem.code.startswith(GUARDRAIL)]
    others = [problem for problem in errors if not problem.code.startswith(GUARDRAIL)]
    # An error beside an applicable plan (a host that does not answer, say) takes nothing from the answer.
    if not plan.applicable and (others or not guards):
        yield ExitCode.ERROR, others[0].finding if others else "the plan may not be applied, and gives no reason"
    if not plan.complete:
        yield (
            ExitCode.INCOMPLETE,
            f"{_count(plan.summary.unknown, 'machine')} unknown" if plan.summary.unknown else "unknown hosts",
        )
    if guards:
        yield ExitCode.GUARDRAIL, guards[0].finding
    if plan.blocked:
        yield ExitCode.PARTLY, f"{len(plan.blocked)} blocked"
    if plan.has_changes:
        yield ExitCode.CHANGES, f"{_count(len(plan.steps), 'step')} to do"


def _done(plan: "Plan") -> str:
    return f"{_count(len(plan.steps), 'step')} planned" if plan.has_changes else "nothing to change"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
