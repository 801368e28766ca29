"""Why things stand as they do, and what would happen if: questions about one machine, host or cluster, and hypothetical plans.

Pure, and above the stages it asks: ``explain`` judges with the planner's own checks and with ``decide``; ``what_if`` makes a
desired state that nobody committed. Nothing here plans, and nothing acts upon an answer.
"""

from datetime import datetime

from reconciler.explain.cluster import explain_cluster
from reconciler.explain.host import explain_host
from reconciler.explain.machine import explain_machine
from reconciler.explain.scene import Scene
from reconciler.explain.subjects import find_subjects
from reconciler.explain.what_if import FORMS, what_if
from reconciler.model.desired import Desired
from reconciler.model.drift import Drift
from reconciler.model.explanation import Explanation
from reconciler.model.memory import Memory
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.problem import Problem

__all__ = ["FORMS", "explain", "what_if"]


def explain(
    desired: Desired,
    observation: Observation,
    drift: Drift,
    plan: Plan,
    name: str,
    *,
    now: datetime,
    memory: Memory | None = None,
) -> Explanation | Problem:
    """Return what there is to say about a machine (name or VMId), host or cluster; a problem where the name is none or several.

    ``drift`` and ``plan`` must be made from these very values; ``now`` and ``memory`` are for what may start at that moment.
    """
    scene = Scene(desired, observation, drift, plan, now, memory)
    found = find_subjects(scene, name)
    if isinstance(found, Problem):
        return found
    return Explanation(
        subject=name,
        at=now,
        desired=plan.desired,
        observation=plan.observation,
        virtual_machines=tuple(explain_machine(scene, machine) for machine in found.machines),
        hosts=tuple(explain_host(scene, host) for host in found.hosts),
        clusters=tuple(explain_cluster(scene, cluster) for cluster in found.clusters),
    )
