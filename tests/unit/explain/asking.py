"""What every test of explanations needs: the question put to a fleet from the builders, and golden files for its answer."""

import os
from datetime import datetime
from pathlib import Path

from reconciler.diff import find_drift
from reconciler.explain import explain
from reconciler.model.desired import Desired
from reconciler.model.explanation import Explanation, HostExplanation, HostOption, MachineExplanation
from reconciler.model.observation import Observation
from reconciler.model.problem import Problem
from reconciler.plan import make_plan
from reconciler.report.explain import explanation_text
from tests.builders import OBSERVED_AT

GOLDEN = Path(__file__).parent / "golden"


def ask(wanted: Desired, fleet: Observation, name: str, now: datetime = OBSERVED_AT) -> Explanation | Problem:
    """Return the answer, as of the observation's own time."""
    drift = find_drift(wanted, fleet)
    return explain(wanted, fleet, drift, make_plan(wanted, fleet, drift), name, now=now)


def answer(wanted: Desired, fleet: Observation, name: str, now: datetime = OBSERVED_AT) -> Explanation:
    """Return the answer to a question that has one."""
    found = ask(wanted, fleet, name, now)
    assert isinstance(found, Explanation), found
    return found


def machine(wanted: Desired, fleet: Observation, name: str = "vm1", now: datetime = OBSERVED_AT) -> MachineExplanation:
    return answer(wanted, fleet, name, now).virtual_machines[0]


def host(wanted: Desired, fleet: Observation, name: str) -> HostExplanation:
    return answer(wanted, fleet, name).hosts[0]


def option(explained: MachineExplanation, name: str) -> HostOption:
    return next(one for one in explained.options if one.host == name)


def reasons(explained: MachineExplanation, name: str) -> list[str]:
    """Return the words of the reasons against a host."""
    return [reason.reason for reason in option(explained, name).reasons]


def same_as_golden(name: str, wanted: Desired, fleet: Observation, subject: str) -> bool:
    """Compare the text of an answer with the golden file, or write it where UPDATE_GOLDEN=1."""
    drift = find_drift(wanted, fleet)
    text = explanation_text(answer(wanted, fleet, subject), make_plan(wanted, fleet, drift), wanted, width=110)
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
    return True
