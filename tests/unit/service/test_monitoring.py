"""Alert rules and dashboard use only metrics that the service has; a renamed metric must not leave a dead alert behind."""

import json
import re
from pathlib import Path

import yaml

from reconciler.cycle import think
from reconciler.model.progress import OutcomeState, Progress, ProgressRow, StepOutcome
from reconciler.model.status import SourceStatus
from reconciler.model.words import Action, MigrationKind
from reconciler.service.metrics import COUNTERS, Metrics
from reconciler.service.snapshot import Board, Snapshot, Waits
from reconciler.status import Facts, fleet_status
from tests.builders import OBSERVED_AT, a_fleet, desired, desired_vm

MONITORING = Path(__file__).parents[3] / "packages" / "monitoring"
NAME = re.compile(r"\breconciler_[a-z_]+")


def everything_measured() -> str:
    """The exposition text of a service in full life: drift, a step under way, steps that ended."""
    wanted, seen = desired(desired_vm("vm1", "Host2"), hosts=2), a_fleet()
    thought = think(wanted, seen)
    source = SourceStatus(location="git", checked_at=OBSERVED_AT)
    status = fleet_status(Facts(OBSERVED_AT, wanted, seen, thought.drift, thought.plan, source), None, None)
    rows = (ProgressRow("vm1", MigrationKind.LIVE, "Host1", "Host2", percent=40),)
    progress = Progress(OBSERVED_AT, rows, done=0, failed=0, waiting=0, total=1)
    waits = (Waits("s2", "virtualMachine/vm2", "slots", "no live slot is free"),)
    board = Board(Snapshot(OBSERVED_AT, "run", None, status, wanted, seen, thought.plan, waits, progress))
    metrics = Metrics(board, "1.0")
    ended = StepOutcome(
        step_id="s1",
        subject="virtualMachine/vm1",
        action=Action.LIVE_MIGRATION,
        state=OutcomeState.DONE,
        started_at=OBSERVED_AT,
        ended_at=OBSERVED_AT.replace(minute=1),
        estimated_seconds=50,
    )
    metrics.outcome(ended)
    for what in COUNTERS:
        metrics.count(what, "x")
    return metrics.text().decode()


def names_of(text: str) -> set[str]:
    return {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line and not line.startswith("#")}


def test_every_name_in_alerts_and_dashboard_is_measured() -> None:
    used = NAME.findall((MONITORING / "alerts.yaml").read_text("utf-8"))
    used += NAME.findall((MONITORING / "dashboard.json").read_text("utf-8"))

    assert len(used) > 20
    assert set(used) - names_of(everything_measured()) == set()


def test_every_alert_says_what_to_do() -> None:
    groups = yaml.safe_load((MONITORING / "alerts.yaml").read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    assert all(rule["annotations"]["summary"] and rule["annotations"]["remedy"] for rule in rules)
    assert json.loads((MONITORING / "dashboard.json").read_text("utf-8"))["panels"]


def test_no_machine_is_named_in_a_label() -> None:
    assert "vm1" not in everything_measured()


def test_what_is_measured_is_what_is_so() -> None:
    text = everything_measured()

    for line in (
        'reconciler_fleet_condition{condition="Drifted"} 1.0',
        'reconciler_drift_objects{cause="unknown"} 1.0',
        "reconciler_plan_moves 1.0",
        'reconciler_migrations_in_flight{direction="in",host="Host2",kind="live"} 1.0',
        'reconciler_slots_limit{host="Host1",kind="live"} 2.0',
        'reconciler_migration_duration_seconds_sum{kind="live"} 60.0',
    ):
        assert line in text
