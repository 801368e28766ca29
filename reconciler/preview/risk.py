"""The stated rules behind the risk line, each a row of a table. They tell a reviewer where to look; they forbid nothing.

Numbers are bounds from which a rule speaks. docs/pull-requests.md repeats them, and a test keeps the two equal.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.model.plan import MachineStep, Plan
from reconciler.model.preview import Change, ComparedBlocked, ComparedStep, FieldChange, Risk, RiskLevel

TIB = 1024**4
MUCH_BYTES, VERY_MUCH_BYTES = TIB, 10 * TIB
LONG_UNPROTECTED_SECONDS = 600
LARGE_SHARE, VERY_LARGE_SHARE, SHARE_COUNTS_FROM = 0.10, 0.30, 10
GUARDING_FIELDS = ("guardrails", "limits", "windows", "unverified", "observation")
MOST_NAMES = 3

NEW = (Change.ADDED, Change.UNKNOWN)  # what a change causes, or may cause where that cannot be told
Finding = tuple[RiskLevel, str]


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules look at: the head, its plan, and what the change makes of it."""

    desired: Desired
    observation: Observation
    plan: Plan
    steps: tuple[ComparedStep, ...]
    blocked: tuple[ComparedBlocked, ...]
    changes: tuple[FieldChange, ...]

    @property
    def new_moves(self) -> list[MachineStep]:
        """The migrations that the change causes; all of them where that cannot be told."""
        new = (one.step for one in self.steps if one.change in NEW)
        return [step for step in new if isinstance(step, MachineStep) and step.migration_kind is not None]


def risk_of(case: Case) -> Risk:
    """Return the highest level that any rule finds, and every finding, the highest first."""
    findings = sorted((finding for rule in RULES for finding in rule(case)), key=lambda found: -_ORDER.index(found[0]))
    return Risk(level=findings[0][0] if findings else RiskLevel.LOW, reasons=tuple(text for _, text in findings))


def _guard_rails(case: Case) -> Iterator[Finding]:
    for problem in case.plan.problems:
        if problem.severity == "error" and not case.plan.applicable:
            yield RiskLevel.HIGH, f"{problem.code}: {problem.finding}"


def _unseen(case: Case) -> Iterator[Finding]:
    if not case.plan.complete:
        yield RiskLevel.MEDIUM, "the observation is incomplete: what could not be seen is not planned"


def _blocked(case: Case) -> Iterator[Finding]:
    number = sum(one.change in NEW for one in case.blocked)
    if number:
        yield RiskLevel.MEDIUM, f"{number} blocked by this change"


def _crossings(case: Case) -> Iterator[Finding]:
    times = [step.unprotected_seconds for step in case.new_moves if step.is_crossing]
    if times:
        level = RiskLevel.HIGH if sum(times) >= LONG_UNPROTECTED_SECONDS else RiskLevel.MEDIUM
        spans = f"{max(times):.0f} s at most each, {sum(times):.0f} s in all"
        all_of_them = f"{len(times)} machines are without high availability, {spans}"
        yield level, f"1 machine is without high availability for {times[0]:.0f} s" if len(times) == 1 else all_of_them


def _bytes(case: Case) -> Iterator[Finding]:
    total = sum(step.bytes for step in case.new_moves)
    if total >= MUCH_BYTES:
        yield RiskLevel.HIGH if total >= VERY_MUCH_BYTES else RiskLevel.MEDIUM, f"{total / TIB:.1f} TiB are copied"


def _share(case: Case) -> Iterator[Finding]:
    managed, moved = len(case.desired.virtual_machines), len({step.virtual_machine.id for step in case.new_moves})
    if managed >= SHARE_COUNTS_FROM and moved >= LARGE_SHARE * managed:
        level = RiskLevel.HIGH if moved >= VERY_LARGE_SHARE * managed else RiskLevel.MEDIUM
        yield level, f"{moved} of {managed} managed machines migrate ({moved / managed:.0%})"


def _emptied_hosts(case: Case) -> Iterator[Finding]:
    """Hosts that have machines now and none once the whole plan is done, where the change takes one away."""
    now = Counter(host.name.casefold() for host, _ in case.observation.machines())
    after = now.copy()
    for step in case.plan.steps:
        if isinstance(step, MachineStep) and step.migration_kind is not None and step.destination is not None:
            after[step.source.casefold()] -= 1
            after[step.destination.casefold()] += 1
    left = {step.source.casefold() for step in case.new_moves if step.destination is not None}
    emptied = [host.name for host in case.observation.hosts if host.name.casefold() in left and not after[host.name.casefold()]]
    if emptied:
        yield RiskLevel.MEDIUM, f"no machine would be left on {_named(emptied)}"


def _unmanaged(case: Case) -> Iterator[Finding]:
    gone = [one.subject.partition("/")[2] for one in case.changes if _is_lost(one)]
    if gone:
        yield RiskLevel.MEDIUM, f"no longer managed: {_named(gone)}"


def _is_lost(change: FieldChange) -> bool:
    return change.change == "removed" and not change.field and change.subject.startswith("virtualMachine/")


def _policy(case: Case) -> Iterator[Finding]:
    fields = [one.field for one in case.changes if one.subject.startswith("policy/") and one.field.startswith(GUARDING_FIELDS)]
    whole = [one.change for one in case.changes if one.subject.startswith("policy/") and not one.field]
    if fields or whole:
        yield RiskLevel.MEDIUM, f"the policy that guards the fleet changes: {_named(fields or ['the whole document'])}"


def _named(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


_ORDER = (RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.HIGH)
RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _guard_rails,
    _crossings,
    _share,
    _bytes,
    _emptied_hosts,
    _blocked,
    _unseen,
    _unmanaged,
    _policy,
)
