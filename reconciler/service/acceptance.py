"""Whether a revision of the desired state may come into force. Pure: a table of rules over what was read and what is in force.

A revision that is refused changes nothing: the one in force stays, for reports; nothing new starts while the newest is
refused, because nobody can tell what its author meant. Running migrations are followed to their end all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.decide import shrunken
from reconciler.desired import SourceFile
from reconciler.model.desired import Desired
from reconciler.model.problem import Problem, Severity


@dataclass(frozen=True, slots=True)
class Candidate:
    """A revision as it was read: ``desired`` is None where it has errors, which are among ``problems``.

    ``descends``: whether the revision in force is among its ancestors (None: nothing is in force, or no history is kept).
    ``signature_problems`` say what is wrong with the signatures of its commits, empty where nothing is or none are asked for.
    """

    revision: str
    desired: Desired | None
    problems: tuple[Problem, ...] = ()
    descends: bool | None = None
    signature_problems: tuple[Problem, ...] = ()
    files: tuple[SourceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class InForce:
    """What is followed now."""

    revision: str
    desired: Desired
    files: tuple[SourceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a source demands: whether history may be rewritten, and revisions an operator has accepted by name."""

    linear_history: bool = True
    accepted: frozenset[str] = field(default_factory=frozenset)


Rule = Callable[[Candidate, InForce | None, Terms], tuple[Problem, ...]]


def refusals(candidate: Candidate, in_force: InForce | None, terms: Terms) -> tuple[Problem, ...]:
    """Return why the candidate may not come into force; empty where it may. The first rule that objects speaks alone."""
    return next((found for rule in RULES if (found := rule(candidate, in_force, terms))), ())


def _unsigned(candidate: Candidate, _in_force: InForce | None, _terms: Terms) -> tuple[Problem, ...]:
    return candidate.signature_problems


def _rewritten(candidate: Candidate, in_force: InForce | None, terms: Terms) -> tuple[Problem, ...]:
    known = in_force is None or candidate.revision == in_force.revision or candidate.revision in terms.accepted
    if known or candidate.descends is not False or not terms.linear_history or in_force is None:
        return ()
    old, new = in_force.revision[:12], candidate.revision[:12]
    finding = f"revision {new} does not descend from {old}, which is in force: history was rewritten"
    remedy = "push a commit that descends from it, or let an operator accept this one (POST /api/v1/accept)"
    return (Problem("history-rewritten", finding, remedy, subject="source"),)


def _unreadable(candidate: Candidate, _in_force: InForce | None, _terms: Terms) -> tuple[Problem, ...]:
    errors = tuple(problem for problem in candidate.problems if problem.severity is Severity.ERROR)
    if candidate.desired is None and not errors:
        return (Problem("unreadable", "the desired state cannot be read", "run reconciler validate on it", subject="source"),)
    return errors if candidate.desired is None else ()


def _empty(candidate: Candidate, _in_force: InForce | None, terms: Terms) -> tuple[Problem, ...]:
    desired = candidate.desired
    if desired is None or desired.virtual_machines or candidate.revision in terms.accepted:
        return ()
    finding = "the desired state names no virtual machine"
    remedy = "check the folder and branch that are followed; if nothing is to be managed, stop the service"
    return (Problem("empty-desired-state", finding, remedy, subject="source"),)


def _shrunken(candidate: Candidate, in_force: InForce | None, terms: Terms) -> tuple[Problem, ...]:
    if candidate.desired is None or in_force is None or candidate.revision in terms.accepted:
        return ()
    lost = shrunken(frozenset(machine.name for machine in in_force.desired.virtual_machines), candidate.desired)
    return (lost,) if lost else ()


RULES: tuple[Rule, ...] = (_unsigned, _rewritten, _unreadable, _empty, _shrunken)


def told(problems: tuple[Problem, ...]) -> tuple[str, ...]:
    """Return problems as the sentences a status shows, each once."""
    return tuple(dict.fromkeys(str(problem) for problem in problems))
