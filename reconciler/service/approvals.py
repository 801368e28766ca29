"""Approval that binds to content: a plan starts only where its fingerprint was approved, once; its rest needs no second word.

While an approved plan is carried out, later plans are smaller and have other fingerprints; what of them belongs to the
approved one may start, anything else waits. What is approved, and what was used, is in the store, so a restart changes nothing.
"""

from reconciler.controller.approval import Approval
from reconciler.model.plan import Plan
from reconciler.store import Store

APPROVED = "plan-approved"
USED = "approval-used"


class Approvals:
    """The approvals of one service. ``waits_for`` is the fingerprint that somebody would have to approve now, or None."""

    def __init__(self, store: Store, *, required: bool) -> None:
        self._store, self._required = store, required
        used = store.entries(kinds=[USED])
        spent = {str(entry.data["fingerprint"]) for entry in used}
        given = (str(entry.data["fingerprint"]) for entry in store.entries(kinds=[APPROVED]))
        self._unused = {fingerprint for fingerprint in given if fingerprint not in spent}
        self._active = Plan.model_validate(used[-1].data["plan"]) if used else None
        self.waits_for: str | None = None

    def approve(self, fingerprint: str) -> None:
        """Let the plan of that fingerprint start, once."""
        self._store.append(APPROVED, {"fingerprint": fingerprint})
        self._unused.add(fingerprint)

    def permit(self, plan: Plan) -> tuple[Approval, str | None]:
        """Return which steps of a fresh plan may start, and why none may where that is so."""
        if not self._required:
            return Approval(None), None
        if plan.fingerprint in self._unused:
            self._use(plan)
        permitted = Approval(self._active) if self._active else None
        if permitted and not any(permitted.covers(step) for step in plan.steps):
            permitted, self._active = None, None
        uncovered = [step for step in plan.steps if permitted is None or not permitted.covers(step)]
        self.waits_for = plan.fingerprint if uncovered else None
        if permitted or not plan.steps:
            return permitted or Approval(None), None
        return Approval(None), f"waits for approval of plan {plan.fingerprint.removeprefix('sha256:')[:12]}"

    def _use(self, plan: Plan) -> None:
        self._store.append(USED, {"fingerprint": plan.fingerprint, "plan": plan.to_json()})
        self._unused.discard(plan.fingerprint)
        self._active = plan
