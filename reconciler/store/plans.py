"""The history of plans: what was to be done, for which commit, and what stood in the way.

There is one entry for each plan that says more than the one before; a plan that merely shrinks as its steps are done says less.
"""

from collections.abc import Sequence
from typing import Any

from reconciler.model.announced import AnnouncedMove
from reconciler.model.plan import MachineStep, Plan, Step
from reconciler.model.words import MIGRATION_KINDS
from reconciler.store.kinds import PLAN_APPROVED, PLANNED
from reconciler.store.port import Entry, Store

LOOKED_BACK = 20  # plans, to find the one that the last one is the rest of
MIGRATIONS = frozenset(action.value for action in MIGRATION_KINDS)


def record_plan(store: Store, plan: Plan) -> Entry | None:
    """Append the plan, unless it is empty or the plan recorded last, for the same desired state, has all its steps already."""
    last = store.entries(kinds=(PLANNED,), limit=1)
    if (not plan.steps and not plan.blocked) or (last and _covers(last[0], plan)):
        return None
    return store.append(PLANNED, plan_data(plan))


def _covers(last: Entry, plan: Plan) -> bool:
    known = {_deed(step) for step in last.data["steps"]}
    blocked = {(one["subject"], one["code"]) for one in last.data["blocked"]}
    return (
        last.data["desired"]["digest"] == plan.desired.digest
        and all(_deed(_step(step)) in known for step in plan.steps)
        and all((one.subject, one.code) in blocked for one in plan.blocked)
    )


def last_announced(store: Store) -> tuple[AnnouncedMove, ...]:
    """Return the migrations of the plan that was recorded last; of one that merely shrank since, as they were at first."""
    kept: tuple[AnnouncedMove, ...] = ()
    for entry in reversed(store.entries(kinds=(PLANNED,), limit=LOOKED_BACK)):
        steps = (step for step in entry.data["steps"] if step["action"] in MIGRATIONS)
        before = tuple(AnnouncedMove.read(step) for step in steps)
        if not set(kept) <= set(before):
            break
        kept = before
    return kept


def plan_data(plan: Plan) -> dict[str, Any]:
    """Return what is kept of a plan: enough to say what was planned, for whom and why; not what hosts reported."""
    return {
        "fingerprint": plan.fingerprint,
        "desired": plan.desired.to_json(),
        "observedAt": plan.observation.observed_at.isoformat(),
        "applicable": plan.applicable,
        "summary": plan.summary.to_json(),
        "steps": [_step(step) for step in plan.steps],
        "blocked": [{"subject": one.subject, "code": one.code, "finding": one.finding} for one in plan.blocked],
        "problems": [{"subject": one.subject, "code": one.code} for one in plan.problems],
    }


def approval_data(fingerprint: str, plan: Plan | None = None) -> dict[str, Any]:
    """Return what to append under ``PLAN_APPROVED``; with the plan, what waits later can be told from what was approved."""
    steps = {"steps": [_step(step) for step in plan.steps]} if plan else {}
    return {"subject": f"plan/{fingerprint}", "fingerprint": fingerprint} | steps


def steps_approved(store: Store, fingerprint: str) -> list[dict[str, Any]] | None:
    """Return the steps of an approved plan as they were recorded with its approval or when it was planned, else None."""
    for entry in reversed(store.entries(kinds=(PLAN_APPROVED, PLANNED))):
        if entry.data.get("fingerprint") == fingerprint and "steps" in entry.data:
            return list(entry.data["steps"])
    return None


def difference(approved: Sequence[dict[str, Any]], plan: Plan) -> list[str]:
    """Return one sentence for each step that only the plan has (``+``) or only the approved steps have (``-``)."""
    before, now = {_deed(step): step for step in approved}, {_deed(step): step for step in map(_step, plan.steps)}
    added = [f"+ {_told(step)}" for deed, step in now.items() if deed not in before]
    return added + [f"- {_told(step)}" for deed, step in before.items() if deed not in now]


def _told(step: dict[str, Any]) -> str:
    ends = [str(step[end]) for end in ("from", "to") if step.get(end)]
    return " ".join([str(step["subject"]).partition("/")[2], str(step["action"]), " → ".join(ends)]).strip()


def _step(step: Step) -> dict[str, Any]:
    kept: dict[str, Any] = {"id": step.id, "subject": step.subject, "action": step.action.value, "because": step.because}
    if isinstance(step, MachineStep):
        kept |= {"machine": step.virtual_machine.id, "from": step.source, "to": step.destination}
    if isinstance(step, MachineStep) and step.migration_kind:
        kept |= AnnouncedMove.of(step).to_json() | {"machine": step.virtual_machine.id}
    return kept


def _deed(step: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(step.get(field)) for field in ("subject", "machine", "action", "from", "to"))
