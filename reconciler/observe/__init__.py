"""Looking at the fleet: ask every host at once, keep partial answers, and put them together as one Observation."""

from reconciler.observe.diagnosis import diagnose
from reconciler.observe.merge import merge_answers
from reconciler.observe.survey import survey, targets_of

__all__ = ["diagnose", "merge_answers", "survey", "targets_of"]
