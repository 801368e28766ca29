"""Metrics for Prometheus: what a snapshot says now, and what the loop has counted since it started.

Base units, one prefix, no machine's name in any label. The alert rules and the dashboard in ``packages/monitoring`` use these
names; a test holds them together.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.progress import Progress, StepOutcome
from reconciler.model.status import ConditionType, DriftCause, FleetStatus, Truth
from reconciler.model.words import MIGRATION_KINDS
from reconciler.service.snapshot import Board, Snapshot

PREFIX = "reconciler_"
MINUTES = (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 60, 120, 240, 480)
RATIOS = (0.25, 0.5, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 4.0)
STATES = {Truth.TRUE: 1.0, Truth.FALSE: 0.0, Truth.UNKNOWN: -1.0}


class Metrics:
    """Everything that is measured. ``outcome`` and ``count`` are for the loop; ``text`` for whoever scrapes."""

    def __init__(self, board: Board, version: str) -> None:
        self._registry = CollectorRegistry()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._registry.register(_Now(board, self._counts, version))
        self._durations = Histogram(
            f"{PREFIX}migration_duration_seconds",
            "How long migrations took, by kind",
            ["kind"],
            buckets=[60 * minutes for minutes in MINUTES],
            registry=self._registry,
        )
        self._estimates = Histogram(
            f"{PREFIX}estimate_error_ratio",
            "How long migrations took, divided by the estimate",
            buckets=RATIOS,
            registry=self._registry,
        )

    def outcome(self, ended: StepOutcome) -> None:
        """Take in what came of a step."""
        self.count("outcomes", ended.state.value)
        kind = MIGRATION_KINDS.get(ended.action)
        if kind is None or ended.seconds is None or ended.state.value != "done":
            return
        self._durations.labels(kind.value).observe(ended.seconds)
        if ended.estimated_seconds:
            self._estimates.observe(ended.seconds / ended.estimated_seconds)

    def count(self, what: str, label: str = "") -> None:
        """Count one more of something; see COUNTERS."""
        self._counts[what, label] += 1

    def text(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self._registry)


COUNTERS = {
    "outcomes": ("steps", "Steps that ended, by how", "state"),
    "guardrail": ("guardrail_blocked", "Plans held back by a guard rail", "rule"),
    "passes": ("passes", "Looks at the fleet that led to a plan", ""),
    "failures": ("pass_failures", "Passes that ended in an error of ours", ""),
    "forge": ("forge_words", "Words to pull requests about their commits, by what came of them", "result"),
    "notices": ("notices", "Notices to people, by what came of them", "result"),
}


class _Now(Collector):
    """Made anew at each scrape from the latest snapshot, so nothing can be out of date."""

    def __init__(self, board: Board, counts: Counter[tuple[str, str]], version: str) -> None:
        self._board, self._counts, self._version = board, counts, version

    def collect(self) -> Iterable[Metric]:
        """Return all metrics."""
        latest = self._board.latest
        yield _gauge("build_info", "The version that runs", (("version",), [((self._version,), 1)]))
        yield _gauge("pulse_timestamp_seconds", "When the loop last went round", _one(latest.pulse.timestamp()))
        yield from self._counters()
        if latest.status:
            yield from _of_status(latest.status, latest.pulse)
        if latest.observation:
            yield from _of_observation(latest.observation)
        if latest.plan:
            yield from _of_plan(latest.plan, latest)

    def _counters(self) -> Iterator[Metric]:
        for key, (name, text, label) in COUNTERS.items():
            family = CounterMetricFamily(f"{PREFIX}{name}", text, labels=[label] if label else [])
            counted = {value: number for (what, value), number in self._counts.items() if what == key}
            for value, number in sorted((counted or ({} if label else {"": 0})).items()):
                family.add_metric([value] if label else [], number)
            yield family


Samples = tuple[Sequence[str], Sequence[tuple[Sequence[str], float]]]


def _one(value: float) -> Samples:
    return (), [((), value)]


def _gauge(name: str, text: str, samples: Samples) -> Metric:
    labels, values = samples
    family = GaugeMetricFamily(f"{PREFIX}{name}", text, labels=list(labels))
    for named, value in values:
        family.add_metric(list(named), value)
    return family


def _of_status(status: FleetStatus, now: datetime) -> Iterator[Metric]:
    holding = [((kind.value,), STATES[status.fleet.condition(kind).status]) for kind in ConditionType]
    yield _gauge("fleet_condition", "Conditions of the fleet: 1 holds, 0 does not, -1 unknown", (("condition",), holding))
    counts = [
        ((group, kind.value), float(sum(one.is_true(kind) for one in objects)))
        for group, objects in (("host", status.hosts), ("machine", status.machines))
        for kind in ConditionType
    ]
    yield _gauge("objects", "Hosts and machines of which a condition holds", (("object", "condition"), counts))
    causes = Counter(one.cause for one in (*status.hosts, *status.machines) if one.is_true(ConditionType.DRIFTED))
    drifted = [((cause.value,), float(causes.get(cause, 0))) for cause in DriftCause]
    drifted += [(("setting",), float(causes.get(None, 0)))]
    yield _gauge("drift_objects", "Hosts and machines that are not as committed, by cause", (("cause",), drifted))
    ages = [((_name(one.subject),), (now - one.observed_at).total_seconds()) for one in status.hosts if one.observed_at]
    yield _gauge("observation_age_seconds", "Age of what is known of a host", (("host",), ages))
    yield _gauge("paused", "Whether starting is paused", _one(float(status.paused is not None)))
    checked = status.source.checked_at
    if checked:
        name, text = "git_last_success_timestamp_seconds", "When the source of desired state was last read"
        yield _gauge(name, text, _one(checked.timestamp()))
    yield _gauge(
        "desired_state_refused", "Whether the newest desired state was refused", _one(float(bool(status.source.problems)))
    )


def _of_observation(seen: Observation) -> Iterator[Metric]:
    used, limits = list[tuple[Sequence[str], float]](), list[tuple[Sequence[str], float]]()
    for host in sorted(seen.hosts, key=lambda host: host.name.casefold()):
        facts = host.migration
        pairs = (
            ("live", facts.active_virtual_machine_migrations, facts.maximum_virtual_machine_migrations),
            ("storage", facts.active_storage_migrations, facts.maximum_storage_migrations),
        )
        for kind, active, limit in pairs:
            used += [((host.name, kind), float(active))] if active is not None else []
            limits += [((host.name, kind), float(limit))] if limit is not None else []
    yield _gauge("slots_used", "Migrations of a host now, whoever started them", (("host", "kind"), used))
    yield _gauge("slots_limit", "Migrations that a host runs at once", (("host", "kind"), limits))


def _of_plan(plan: Plan, latest: Snapshot) -> Iterator[Metric]:
    summary = plan.summary
    yield _gauge("plan_moves", "Migrations that are planned now", _one(summary.migrations))
    yield _gauge("plan_moves_needed", "Migrations that no plan can do without", _one(summary.needed_migrations))
    yield _gauge("plan_bytes", "Bytes that the planned migrations copy", _one(summary.bytes))
    yield _gauge("plan_estimated_seconds", "How long the planned steps take, estimated", _one(summary.estimated_seconds))
    waiting = Counter(one.code for one in latest.waiting)
    yield _gauge("steps_waiting", "Steps that may not start yet, by reason", (("reason",), _sorted(waiting)))
    yield _gauge("migrations_in_flight", "Migrations under way", (("host", "direction", "kind"), _in_flight(latest.progress)))


def _in_flight(progress: Progress | None) -> list[tuple[Sequence[str], float]]:
    flying: Counter[tuple[str, ...]] = Counter()
    for row in progress.rows if progress else ():
        if row.state.value != "running":
            continue
        away = row.destination is not None and row.destination != row.source
        flying[row.source, "out" if away else "within", str(row.kind)] += 1
        if away:
            flying[str(row.destination), "in", str(row.kind)] += 1
    return [(key, float(number)) for key, number in sorted(flying.items())]


def _sorted(counted: "Counter[str]") -> list[tuple[Sequence[str], float]]:
    return [((key,), float(number)) for key, number in sorted(counted.items())]


def _name(subject: str) -> str:
    return subject.partition("/")[2]
