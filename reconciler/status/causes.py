"""Why something drifted, as far as what was seen can tell. A guess is never told as a fact: what fits no rule is unknown.

The rules are a table, the first that fits wins: a commit moved the goal; our own step has not ended; a migration that we did
not start led here; the node it was on went down; it changed nodes inside its cluster while both were up.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.model.drift import MachineDrift
from reconciler.model.observation import Observation
from reconciler.model.status import DriftCause


@dataclass(frozen=True, slots=True)
class Before:
    """The look before this one: what was in force, what was seen, and whose machines were on their way because of us."""

    desired_digest: str
    observation: Observation
    ours: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """One machine that has just drifted, and what is known about how. ``key`` is its VMId in lower case."""

    drift: MachineDrift
    before: Before
    now: Observation
    desired_digest: str
    ours: frozenset[str] = frozenset()
    key: str = ""
    was_on: str | None = field(default=None)


def cause_of(
    drift: MachineDrift, before: Before | None, now: Observation, desired_digest: str, ours: frozenset[str]
) -> DriftCause:
    """Return why a machine that was as committed at the look before is not any more; UNKNOWN where nothing tells."""
    if before is None or drift.observed is None:
        return DriftCause.UNKNOWN
    key = drift.observed.id.casefold()
    was_on = next((host.name for host, machine in before.observation.machines() if machine.id.casefold() == key), None)
    case = Case(drift, before, now, desired_digest, ours, key, was_on)
    return next((cause for cause, fits in RULES if fits(case)), DriftCause.UNKNOWN)


def _goal_moved(case: Case) -> bool:
    """Another desired state came into force, and the machine itself stayed where it was."""
    return case.before.desired_digest != case.desired_digest and case.was_on == case.drift.host


def _ours(case: Case) -> bool:
    return case.key in case.ours or case.key in case.before.ours


def _somebody_migrated(case: Case) -> bool:
    """A migration to where the machine is now was seen; ours lead elsewhere, or the step is not over."""
    host = case.now.host(case.drift.host or "")
    names = {name.casefold() for name in (host.name, host.address) if name} if host else set()
    jobs = (job for look in (case.before.observation, case.now) for one in look.hosts for job in one.migrations)
    return any(job.virtual_machine.casefold() == case.key and (job.destination or "").casefold() in names for job in jobs)


def _node_went_down(case: Case) -> bool:
    if not _changed_nodes(case):
        return False
    node = case.now.host(case.was_on or "")
    return node is None or node.status != "ok" or node.node_state not in (None, "Up", "Paused")


def _changed_nodes(case: Case) -> bool:
    """A cluster moves only what has a role there."""
    old, new = case.before.observation.host(case.was_on or ""), case.now.host(case.drift.host or "")
    if old is None or new is None or old.name == new.name or case.drift.observed is None:
        return False
    return old.cluster is not None and old.cluster == new.cluster and bool(case.drift.observed.highly_available)


RULES: tuple[tuple[DriftCause, Callable[[Case], bool]], ...] = (
    (DriftCause.COMMIT, _goal_moved),
    (DriftCause.UNFINISHED, _ours),
    (DriftCause.OPERATOR, _somebody_migrated),
    (DriftCause.FAILOVER, _node_went_down),
    (DriftCause.BALANCER, _changed_nodes),
)
