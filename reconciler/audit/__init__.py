"""Is this plan sound? Every promise of a plan, checked again by naive means, without a line of the planner's.

``audit`` replays the plan on the observation: where each machine stands before each step, what the worst order that respects
``dependsOn`` could do to memory, space and rules, and what is left at the end. It guards execution and is the oracle of the
planner's tests; it knows the model alone.
"""

from reconciler.audit.checks import audit

__all__ = ["audit"]
