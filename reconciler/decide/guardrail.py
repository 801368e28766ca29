"""The guard rail against a desired state that lost its machines: an empty checkout, a wrong branch, half the files gone.

Fewer managed machines never cause a migration by themselves, but they say that the commit is not what somebody meant.
"""

from reconciler.model.desired import Desired
from reconciler.model.problem import Problem

SHARE_COUNTS_FROM = 10


def shrunken(previous_names: frozenset[str], desired: Desired) -> Problem | None:
    """Return a problem where too many of the machines managed before are gone, or all of them; else None.

    ``previous_names`` are the ``metadata.name`` of the machines of the last desired state that was acted upon. The share is
    ``policy.guardrails.maximum_share_of_virtual_machines`` (0.3 is 30 %) and counts from 10 machines up.
    """
    before = {name.casefold() for name in previous_names}
    gone = sorted(before - {vm.name.casefold() for vm in desired.virtual_machines})
    share = desired.policy.guardrails.maximum_share_of_virtual_machines
    emptied = bool(before) and not desired.virtual_machines
    over = share is not None and len(before) >= SHARE_COUNTS_FROM and len(gone) > share * len(before)
    return _problem(gone, len(before)) if emptied or over else None


def _problem(gone: list[str], before: int) -> Problem:
    some = ", ".join(gone[:3]) + (", ..." if len(gone) > 3 else "")
    return Problem(
        code="guardrail-shrunken",
        finding=f"{len(gone)} of {before} machines managed before are no longer in the desired state ({some})",
        remedy="check that the whole desired state was committed; if so, allow it once by overriding guardrail-shrunken",
        subject="policy",
    )
