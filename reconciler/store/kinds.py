"""The kinds of entries: what each is about, and which entry ends which. Pure.

A kind that is not listed here may be appended all the same; it ages out like any other. Whatever must be found again however
old it is gets a line in ``ENDED_BY`` or ``NEWEST_MATTERS``.
"""

from collections.abc import Mapping
from typing import Any, Final

INTENT: Final = "intent"
OUTCOME: Final = "outcome"
ATTEMPT_FAILED: Final = "attempt-failed"
ROLE_READ: Final = "role-read"
ROLE_REMOVED: Final = "role-removed"
ROLE_RESTORED: Final = "role-restored"
ROLE_NOT_DUE: Final = "role-not-due"
APPLIED: Final = "applied"
PLANNED: Final = "planned"
CANCEL: Final = "cancel"
HOLD: Final = "hold"
RELEASE: Final = "release"
TRIMMED: Final = "trimmed"
# Of the continuous service: which revision it follows, whether it is paused, which plans were approved.
IN_FORCE: Final = "in-force"
CARRIED_OUT: Final = "commit-carried-out"
ACCEPTED: Final = "revision-accepted"
PAUSED: Final = "paused"
RESUMED: Final = "resumed"
PLAN_APPROVED: Final = "plan-approved"
APPROVAL_USED: Final = "approval-used"

# An entry of the kind on the left stays until one of the kinds on the right follows for the same subject. (Holds: holds.py.)
ENDED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    INTENT: (OUTCOME, ATTEMPT_FAILED),
    ROLE_READ: (ROLE_RESTORED, ROLE_NOT_DUE),
    ROLE_REMOVED: (ROLE_RESTORED, ROLE_NOT_DUE),
    PLAN_APPROVED: (APPROVAL_USED,),
}
# Of these only the newest says how things stand; it stays however old it is.
NEWEST_MATTERS: Final = (APPLIED, PLANNED, TRIMMED, IN_FORCE, CARRIED_OUT, PAUSED, RESUMED, APPROVAL_USED)

ROLE_ATTEMPT: Final = "role/"
MACHINE: Final = "virtualMachine/"


def subject_of(data: Mapping[str, Any]) -> str:
    """Return what an entry with this data is about: a VMId or ``host/NAME``, in lower case; empty where it is no one thing."""
    step = data.get("step")
    if isinstance(step, dict):
        return _of_step(step)
    given = data.get("machine") or data.get("id") or data.get("key") or data.get("subject") or ""
    return str(given).casefold().removeprefix(ROLE_ATTEMPT)


def name_of(data: Mapping[str, Any]) -> str:
    """Return what people call the subject, in lower case; empty where the data does not say."""
    step = data.get("step")
    if isinstance(step, dict):
        return str((step.get("virtualMachine") or {}).get("name") or _of_step(step).partition("/")[2]).casefold()
    return str(data.get("name") or str(data.get("subject") or "").removeprefix(MACHINE)).casefold()


def _of_step(step: Mapping[str, Any]) -> str:
    machine = step.get("virtualMachine") or {}
    if machine.get("id"):
        return str(machine["id"]).casefold()
    kind, name = ("host", step["host"]) if step.get("host") else ("cluster", step.get("cluster") or "")
    return f"{kind}/{name}".casefold() if name else ""
