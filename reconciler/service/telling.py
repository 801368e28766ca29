"""From one look to what others see: the status, the events since the last, what people are told, and the snapshot itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from reconciler.controller import PassResult
from reconciler.controller.tracking import Tracked, key_of
from reconciler.model.plan import MachineStep, Step
from reconciler.model.progress import Progress, StepOutcome
from reconciler.model.status import Event, FleetStatus, SourceStatus, Truth
from reconciler.notices import Message, Settings, Told, incidents_of, tell
from reconciler.service.acceptance import InForce
from reconciler.service.snapshot import Board, Snapshot, Waits
from reconciler.status import Before, Facts, Finding, events_between, fleet_status, with_source

NOT_UNDER_WAY = frozenset({"held-back", "not-approved"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What the loop knows beside a pass: the source, whether anything may change, and what waits for somebody's word."""

    source: SourceStatus
    mode: Literal["apply", "report"]
    paused: str | None = None
    ready: str | None = None
    approval: str | None = None
    in_force: InForce | None = None


@dataclass
class Teller:
    """Keeps the last status to give conditions their age, and pins what is new to the board.

    ``log`` gets each event with the fingerprint of the plan in force; ``notify`` the messages that are due.
    """

    board: Board
    log: Callable[[Event, str | None], None]
    notify: Callable[[Sequence[Message]], None] | None = None
    notice_settings: Settings | None = None
    _status: FleetStatus | None = None
    _last_look: Before | None = None
    _told: Told = field(default_factory=Told)
    _progress: Progress | None = None

    @property
    def status(self) -> FleetStatus | None:
        """The status as it was told last."""
        return self._status

    def after_pass(self, result: PassResult, tracked: Mapping[str, Tracked], standing: Standing, now: datetime) -> None:
        """Publish what a pass came to."""
        thought = result.thought
        just_started = {key_of(step) for step in result.started}
        under_way = (key for key, one in tracked.items() if isinstance(one.step, MachineStep))
        ours = frozenset(key for key in under_way if key not in just_started)
        facts = Facts(
            at=now,
            desired=thought.desired,
            observation=thought.observation,
            drift=thought.drift,
            plan=thought.plan,
            source=standing.source,
            mode=standing.mode,
            paused=standing.paused,
            progress=_progress(result, tracked),
            ours=ours,
        )
        status = fleet_status(facts, self._status, self._last_look)
        self._last_look = Before(thought.desired.digest, thought.observation, ours)
        steps = (*(_started(step, now) for step in result.started), *(_ended(one, now) for one in result.ended))
        snapshot = replace(
            self._base(standing, now, status),
            desired=thought.desired,
            observation=thought.observation,
            plan=thought.plan,
            waiting=tuple(Waits(w.step_id, w.subject, w.code, w.finding, w.until) for w in result.decision.waiting),
        )
        self._publish(snapshot, status, steps)

    def between(self, standing: Standing, now: datetime) -> None:
        """Publish a change of the source or of what may start, without a new look at the fleet."""
        known = self._status
        if known is None:
            self._publish(self._base(standing, now, None), None, ())
            return
        changed = with_source(known, standing.source, now)
        changed = changed.model_copy(update={"mode": standing.mode, "paused": standing.paused})
        self._publish(self._base(standing, now, changed), changed, ())

    def progress(self, shown: Progress) -> None:
        """Publish how far things are."""
        self._progress = shown
        self.board.pin(replace(self.board.latest, progress=shown, pulse=shown.now))

    def event(self, event: Event) -> None:
        """Publish something that happened beside looks: an order, a failure of ours."""
        self.log(event, self._fingerprint())
        self.board.pin(self.board.latest, (event,))

    def _base(self, standing: Standing, now: datetime, status: FleetStatus | None) -> Snapshot:
        files = standing.in_force.files if standing.in_force else ()
        return replace(
            self.board.latest,
            pulse=now,
            ready=standing.ready,
            status=status,
            approval=standing.approval,
            files=files,
            progress=self._progress,
        )

    def _publish(self, snapshot: Snapshot, status: FleetStatus | None, steps: Sequence[Event]) -> None:
        events = (*(events_between(self._status, status) if status else ()), *steps)
        self._status = status or self._status
        fingerprint = snapshot.plan.fingerprint if snapshot.plan else None
        for event in events:
            self.log(event, fingerprint)
        self.board.pin(snapshot, tuple(events))
        if status and self.notify and self.notice_settings:
            messages, self._told = tell(incidents_of(status), self._told, snapshot.pulse, self.notice_settings)
            self.notify(messages)

    def _fingerprint(self) -> str | None:
        return self.board.latest.plan.fingerprint if self.board.latest.plan else None


def _progress(result: PassResult, tracked: Mapping[str, Tracked]) -> dict[str, Finding]:
    """What is under way, by subject; what waits for its turn is under way too, what waits for somebody's word is not."""
    found: dict[str, Finding] = {}
    for waiting in result.decision.waiting:
        if waiting.code not in NOT_UNDER_WAY:
            found.setdefault(waiting.subject.casefold(), Finding(Truth.TRUE, waiting.code, waiting.finding))
    for one in tracked.values():
        percent = f"{one.percent} %" if one.percent is not None else "started"
        found[one.step.subject.casefold()] = Finding(Truth.TRUE, str(one.step.action), percent)
    return found


def _started(step: Step, now: datetime) -> Event:
    data = {"action": str(step.action), "step": step.id}
    if isinstance(step, MachineStep):
        data |= {"source": step.source, "destination": step.destination or ""}
    return Event(at=now, name="step-started", subject=step.subject, data=data)


def _ended(ended: StepOutcome, now: datetime) -> Event:
    data = {
        "action": str(ended.action),
        "source": ended.source or "",
        "destination": ended.destination or "",
        "step": ended.step_id,
        "seconds": ended.seconds,
        "unprotectedSeconds": ended.unprotected_seconds,
    }
    kept = {name: value for name, value in data.items() if value not in (None, "")}
    return Event(
        at=ended.ended_at or now, name=f"step-{ended.state.value}", subject=ended.subject, message=ended.detail, data=kept
    )
