"""Steps and blocked machines of two plans told apart by what they do and say, never by their ids or numbers.

A step is kept where both plans do the same thing to the same machine or host: same kind, same way, same files, same settings.
When it starts, what it waits for and how long it takes may differ.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from reconciler.model.document import canonical_json
from reconciler.model.paths import normal
from reconciler.model.plan import Blocked, Plan, SettingsStep, Step
from reconciler.model.preview import Change, ComparedBlocked, ComparedStep

_Item = TypeVar("_Item")


def compared_steps(base: Plan | None, head: Plan) -> tuple[ComparedStep, ...]:
    """Return the head's steps in their order, then what only the base's plan would do."""
    found = _compared(base.steps if base else None, head.steps, _deed)
    return tuple(ComparedStep(change=change, step=step) for change, step in found)


def compared_blocked(base: Plan | None, head: Plan) -> tuple[ComparedBlocked, ...]:
    """Return what is blocked after the change, then what it unblocks; another reason for the same machine is another entry."""
    found = _compared(base.blocked if base else None, head.blocked, _complaint)
    return tuple(ComparedBlocked(change=change, blocked=blocked) for change, blocked in found)


def _compared(
    before: Iterable[_Item] | None, after: Iterable[_Item], key: Callable[[_Item], Hashable]
) -> list[tuple[Change, _Item]]:
    if before is None:
        return [(Change.UNKNOWN, item) for item in after]
    left = Counter(key(item) for item in before)
    found = []
    for item in after:
        is_kept = left[key(item)] > 0
        left[key(item)] -= is_kept
        found.append((Change.KEPT if is_kept else Change.ADDED, item))
    for item in before:
        if left[key(item)] > 0:
            left[key(item)] -= 1
            found.append((Change.REMOVED, item))
    return found


def _deed(step: Step) -> Hashable:
    if isinstance(step, SettingsStep):
        settings = frozenset((change.field, canonical_json(change.target)) for change in step.settings)
        return (step.subject.casefold(), step.action, settings)
    files = frozenset((move.file.casefold(), normal(move.target)) for move in step.storage)
    destination = (step.destination or "").casefold()
    clusters = (step.leaves_cluster or "", step.joins_cluster or "")
    return (step.virtual_machine.id.casefold(), step.action, step.source.casefold(), destination, files, clusters)


def _complaint(blocked: Blocked) -> Hashable:
    return (blocked.subject.casefold(), blocked.id, blocked.code)
