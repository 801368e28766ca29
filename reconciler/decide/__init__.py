"""What may start now: pure decisions over plan, observation and memory, one slot at a time.

``decide`` is the gate before every change: limits that are counts, fresh facts, windows, holds and back-off are kept here,
at the moment of starting. Back-off and the guard rail against a shrunken desired state live here too. Nothing here plans,
and nothing here touches a host.
"""

from reconciler.decide.backoff import after_failure, after_success, attempt_key, hosts_at
from reconciler.decide.decision import Decision, Reason, Waiting
from reconciler.decide.failures import Quarantine, budget_spent_until, quarantines
from reconciler.decide.guardrail import shrunken
from reconciler.decide.start import decide
from reconciler.decide.windows import next_opening

__all__ = [
    "Decision",
    "Quarantine",
    "Reason",
    "Waiting",
    "after_failure",
    "after_success",
    "attempt_key",
    "budget_spent_until",
    "decide",
    "hosts_at",
    "next_opening",
    "quarantines",
    "shrunken",
]
