"""Settings steps: each names a host or cluster that answers, starts from what was observed and ends in what is desired."""

import re
from collections.abc import Iterator
from typing import Any

from reconciler.audit.case import Case, problem
from reconciler.model import paths
from reconciler.model.plan import SettingChange, SettingsStep
from reconciler.model.problem import Problem


def check(case: Case) -> Iterator[Problem]:
    """Compare every change with observation and desired state, field by field."""
    for step in case.settings_steps:
        observed, desired = _sides(step, case)
        if observed is None or desired is None:
            yield problem("settings", step.subject, f"step {step.id} changes what is not observed in full or not desired")
        elif not step.settings:
            yield problem("settings", step.subject, f"step {step.id} changes nothing")
        else:
            for change in step.settings:
                yield from _change(change, step, observed, desired)


def _sides(step: SettingsStep, case: Case) -> tuple[Any, Any]:
    if step.host is not None:
        host = case.observation.host(step.host)
        return (host if host and host.status == "ok" else None), case.desired.host(step.host)
    return case.observation.cluster(str(step.cluster)), case.desired.cluster(str(step.cluster))


def _change(change: SettingChange, step: SettingsStep, observed: Any, desired: Any) -> Iterator[Problem]:
    try:
        was, wanted = _value(observed, change.field), _value(desired, change.field)
    except AttributeError:
        yield problem("settings", step.subject, f"there is no setting {change.field}")
        return
    if wanted is None or not _same(change.target, wanted):
        yield problem("settings", step.subject, f"{change.field} would become {change.target}, desired is {wanted}")
    if not _same(change.source, was):
        yield problem("settings", step.subject, f"{change.field} is said to be {change.source}, observed is {was}")
    elif _same(was, wanted):
        yield problem("settings", step.subject, f"{change.field} is {was} already")


def _value(side: Any, field: str) -> Any:
    for name in field.split("."):
        side = getattr(side, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    return side


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return list(first) == list(second)
    if isinstance(first, str) and isinstance(second, str) and "\\" in first + second:
        return paths.same(first, second)
    return bool(first == second)
