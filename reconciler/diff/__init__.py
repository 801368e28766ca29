"""Compare what people committed with what was observed. Pure: the same two values give the same drift.

``find_drift`` is the way in. ``matching`` finds each managed machine, ``machines`` judges it, ``settings`` compares
hosts and clusters field by field, ``rules`` looks for required placement rules broken now, ``entries`` publishes it all.
"""

from reconciler.diff.entries import entries_of
from reconciler.diff.machines import machine_drifts
from reconciler.diff.matching import Sightings
from reconciler.diff.problems import host_problems
from reconciler.diff.rules import broken_rules
from reconciler.diff.settings import setting_drifts
from reconciler.model.desired import Desired
from reconciler.model.drift import Drift
from reconciler.model.observation import Observation

__all__ = ["find_drift"]


def find_drift(desired: Desired, observation: Observation) -> Drift:
    """Return every difference between the desired state and one observation, and where each managed machine stands.

    Nothing raises: what cannot be seen is ``unknown`` and stands among ``problems``.
    """
    sightings = Sightings(desired, observation)
    machines, disk_problems = machine_drifts(desired, observation, sightings)
    settings = setting_drifts(desired, observation)
    rules = broken_rules(desired, observation, machines)
    return Drift(
        machines=machines,
        settings=settings,
        rules=rules,
        entries=entries_of(desired, machines, settings, rules),
        problems=host_problems(desired, observation, machines) + disk_problems,
        unmanaged=sightings.unmanaged(),
    )
