"""Approval that binds to content: a plan starts only where its fingerprint was approved, once; its rest needs no second word.

While an approved plan is carried out, later plans are smaller and have other fingerprints; what of them belongs to the
approved one may start, anything else waits. What is approved, and what was used, is in the store: a restart changes nothing,
and other commands (``reconciler approve``) may approve while the service runs.
"""

from reconciler.controller.approval import Approval
from reconciler.model.plan import Plan
from reconciler.store import Store
from reconciler.store.kinds import APPROVAL_USED, PLAN_APPROVED
from reconciler.store.plans import approval_data, difference, steps_approved

MOST_DIFFERENCES = 5


class Approvals:
    """The approvals of one service. ``waits_for`` is the fingerprint that somebody would have to approve now, or None."""

    def __init__(self, store: Store, *, required: bool) -> None:
        self._store, self._required = store, required
        used = store.entries(kinds=[APPROVAL_USED])
        # An approval that came after the use of another is a new word.
        self._unused: dict[str, int] = {}
        self._read_up_to = 0
        self._read()
        for entry in used:
            fingerprint = str(entry.data["fingerprint"])
            if self._unused.get(fingerprint, 0) < entry.number:
                self._unused.pop(fingerprint, None)
        self._active = Plan.model_validate(used[-1].data["plan"]) if used else None
        self.waits_for: str | None = None

    def approve(self, fingerprint: str) -> None:
        """Let the plan of that fingerprint start, once."""
        self._store.append(PLAN_APPROVED, approval_data(fingerprint))

    def permit(self, plan: Plan) -> tuple[Approval, str | None]:
        """Return which steps of a fresh plan may start, and why none may where that is so."""
        if not self._required:
            return Approval(None), None
        self._read()
        if plan.fingerprint in self._unused:
            self._use(plan)
        permitted = Approval(self._active) if self._active else None
        if permitted and not any(permitted.covers(step) for step in plan.steps):
            permitted, self._active = None, None
        uncovered = [step for step in plan.steps if permitted is None or not permitted.covers(step)]
        self.waits_for = plan.fingerprint if uncovered else None
        if permitted or not plan.steps:
            return permitted or Approval(None), None
        return Approval(None), f"waits for approval of plan {_short(plan.fingerprint)}{self._unlike_approved(plan)}"

    def _read(self) -> None:
        for entry in self._store.entries(kinds=[PLAN_APPROVED], after=self._read_up_to):
            self._unused[str(entry.data["fingerprint"])] = entry.number
            self._read_up_to = entry.number

    def _use(self, plan: Plan) -> None:
        self._store.append(APPROVAL_USED, approval_data(plan.fingerprint) | {"plan": plan.to_json()})
        self._unused.pop(plan.fingerprint, None)
        self._active = plan

    def _unlike_approved(self, plan: Plan) -> str:
        """Say how the plan differs from the one that was approved last and never came, where its steps are known."""
        for fingerprint in reversed(self._unused):
            approved = steps_approved(self._store, fingerprint)
            if approved is not None:
                found = difference(approved, plan)
                more = f" and {len(found) - MOST_DIFFERENCES} more" if len(found) > MOST_DIFFERENCES else ""
                unlike = "; ".join(found[:MOST_DIFFERENCES]) + more
                return f", which is not the approved plan {_short(fingerprint)}: {unlike}" if found else ""
        return ""


def _short(fingerprint: str) -> str:
    return fingerprint.removeprefix("sha256:")[:12]
