"""The service on a simulated fleet and virtual time: what it follows, what it refuses, what it says, and how it ends."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

import pytest

from reconciler.clock import ManualClock
from reconciler.controller import Controller, Options
from reconciler.desired import SourceFile
from reconciler.model.commit_report import CommitReport
from reconciler.model.desired import Desired
from reconciler.model.problem import Problem
from reconciler.model.status import ConditionType, Event, Truth
from reconciler.notices import Message, Settings
from reconciler.service.acceptance import Candidate
from reconciler.service.approvals import Approvals
from reconciler.service.commits import Commits as CommitsTold
from reconciler.service.desk import Desk
from reconciler.service.following import Following
from reconciler.service.loop import ProgressView, Rhythm, Service
from reconciler.service.metrics import Metrics
from reconciler.service.orders import ApprovePlan, HoldMachine, Order, OrderBook, Pause, ReleaseMachine, Result, Resume
from reconciler.service.snapshot import Board, Snapshot
from reconciler.service.source import SourceUnavailable
from reconciler.service.telling import Teller
from reconciler.simulator.fleet import SimulatedHosts
from reconciler.simulator.world import World
from reconciler.store import MemoryStore, Origin
from reconciler.store.kinds import IN_FORCE, PLAN_APPROVED
from reconciler.store.plans import approval_data
from tests.builders import OBSERVED_AT, a_fleet, a_host, a_vm, desired, desired_host, desired_vm, vm_id

BAD = Problem("unknown-field", "no such field", "correct it")


@dataclass
class Commits:
    """A source that is at the last of these commits; ``read`` finds any of them."""

    known: list[Candidate]
    unavailable: bool = False

    @property
    def location(self) -> str:
        return "memory"

    def newest(self, in_force: str | None) -> Candidate:
        if self.unavailable:
            raise SourceUnavailable(Problem("git-unavailable", "no route", "wait"))
        return self.known[-1]

    def read(self, revision: str) -> Candidate:
        return next(one for one in self.known if one.revision == revision)


@dataclass
class Stage:
    """A fleet of two hosts, its clock and store, and services that live there one after another."""

    source: Commits
    mode: Literal["apply", "report"] = "apply"
    approval: bool = False
    clock: ManualClock = field(default_factory=lambda: ManualClock(OBSERVED_AT + timedelta(minutes=1)))
    events: list[Event] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    words: list[CommitReport] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2"))), self.clock)
        self.store = MemoryStore(self.clock)
        self.start()

    def start(self) -> None:
        """A new process on the same store."""
        hosts = SimulatedHosts(self.world)
        self.board = Board(Snapshot(self.clock.now(), run_id="run"))
        self.orders, metrics = OrderBook(), Metrics(self.board, "test")
        told = Settings(settle=timedelta(0))
        teller = Teller(self.board, lambda event, _plan: self.events.append(event), self.messages.extend, told)
        following = Following(self.source, self.store, self.clock, linear_history=True, grace=timedelta(minutes=15))
        approvals = Approvals(self.store, required=self.approval)
        self.service = Service(
            following=following,
            controller=Controller(hosts, self.store, self.clock, ProgressView(teller), Options(poll_seconds=5)),
            approvals=approvals,
            desk=Desk(self.store, hosts, self.clock, following, approvals, Origin("service", "run")),
            orders=self.orders,
            teller=teller,
            metrics=metrics,
            clock=self.clock,
            waits=self,
            rhythm=Rhythm(timedelta(minutes=5), lambda: timedelta(minutes=1)),
            mode=self.mode,
            commits=CommitsTold(self.store),
            announce=self.words.extend,
        )
        self.service.following.take_up()

    def wait(self, seconds: float) -> bool:
        self.clock.sleep(seconds)
        return False

    def live(self, minutes: float = 5) -> None:
        """Let the service live for so long."""
        end = self.clock.now() + timedelta(minutes=minutes)
        while self.clock.now() < end:
            self.wait(self.service.once())

    def order(self, order: Order) -> Result:
        answer = self.orders.give(order, "ops")
        self.service.once()
        return answer.result(0)

    def where(self) -> dict[str, str]:
        return {machine.name: host.name for host, machine in self.world.observation().machines()}

    def said(self) -> list[tuple[str, str, int]]:
        """The words on commits: which, how it stands, and how many steps ended."""
        return [(word.revision, word.state.value, len(word.outcomes)) for word in self.words]

    def told(self) -> list[str]:
        return [event.name for event in self.events]

    def fleet(self, kind: ConditionType = ConditionType.READY) -> Truth:
        assert self.board.latest.status is not None
        return self.board.latest.status.fleet.condition(kind).status


def at(revision: str, vm1: str = "Host1", vm2: str = "Host2") -> Candidate:
    made: Desired = desired(
        desired_vm("vm1", vm1), desired_vm("vm2", vm2), hosts=2, digest=f"sha256:{revision}", revision=revision
    )
    return Candidate(revision, made, descends=True, files=(SourceFile("fleet.yaml", revision.encode()),))


def test_a_commit_is_carried_out_verified_and_then_there_is_silence() -> None:
    stage = Stage(Commits([at("c1")]))
    stage.live()
    stage.source.known.append(at("c2", vm1="Host2"))
    stage.live()
    before = len(stage.world.events)
    stage.live(60)

    assert stage.where() == {"vm1": "Host2", "vm2": "Host2"}
    assert stage.fleet() is Truth.TRUE
    assert {"desired-state-changed", "step-started", "step-done"} <= set(stage.told())
    assert len(stage.world.events) == before


@pytest.mark.parametrize(
    "bad",
    [
        Candidate("c2", None, (BAD,), descends=True),
        Candidate("c2", desired(hosts=2, digest="sha256:empty"), descends=True),
        Candidate("c2", at("c2", vm1="Host2").desired, descends=False),
    ],
    ids=["errors", "empty", "rewritten"],
)
def test_nothing_starts_from_a_bad_commit_or_beside_it_and_it_is_said_everywhere(bad: Candidate) -> None:
    stage = Stage(Commits([at("c1")]))
    stage.live()
    stage.source.known.append(bad)
    stage.live(30)

    assert "step-started" not in stage.told()
    assert "desired-state-refused" in stage.told()
    assert stage.fleet() is Truth.FALSE
    assert stage.board.latest.status is not None
    assert (stage.board.latest.status.source.revision, stage.board.latest.status.source.refused) == ("c1", "c2")
    assert [message.key.cause for message in stage.messages] == ["desired-state-refused"]


def test_drift_is_reported_beside_a_bad_commit_but_not_mended() -> None:
    stage = Stage(Commits([at("c1", vm1="Host2"), Candidate("c2", None, (BAD,), descends=True)]))
    stage.store.append("in-force", {"revision": "c1", "digest": "sha256:c1"})
    stage.start()
    stage.live(30)

    assert stage.where()["vm1"] == "Host1"
    assert stage.fleet(ConditionType.DRIFTED) is Truth.TRUE


def test_a_good_commit_after_a_bad_one_is_followed_and_people_are_told_that_it_is_over() -> None:
    stage = Stage(Commits([at("c1")]))
    stage.live()
    stage.source.known.append(Candidate("c2", None, (BAD,), descends=True))
    stage.live()
    stage.source.known.append(at("c3", vm2="Host1"))
    stage.live(10)

    assert stage.where()["vm2"] == "Host1"
    assert [message.kind for message in stage.messages] == ["opened", "recovered"]


def test_a_source_that_cannot_be_read_is_forgiven_for_its_grace_and_then_nothing_starts() -> None:
    stage = Stage(Commits([at("c1")]))
    stage.live()
    stage.source.unavailable = True
    stage.live(5)
    assert stage.service.following.hold_back() is None
    stage.live(20)
    assert "could not be read" in str(stage.service.following.hold_back())


def test_a_service_that_only_reports_changes_nothing_and_shows_the_whole_plan() -> None:
    stage = Stage(Commits([at("c1", vm1="Host2")]), mode="report")
    stage.live(30)

    assert stage.where()["vm1"] == "Host1"
    assert stage.board.latest.plan is not None
    assert len(stage.board.latest.plan.steps) == 1
    assert [waits.code for waits in stage.board.latest.waiting] == ["held-back"]


# -- operators


def test_while_paused_nothing_starts_also_after_a_restart_until_somebody_resumes() -> None:
    stage = Stage(Commits([at("c1")]))
    stage.live()
    assert stage.order(Pause("storage maintenance")).done
    stage.source.known.append(at("c2", vm1="Host2"))
    stage.live()
    stage.start()
    stage.live()
    assert stage.where()["vm1"] == "Host1"

    assert stage.order(Resume()).done
    stage.live()
    assert stage.where()["vm1"] == "Host2"


def test_a_held_machine_stays_until_it_is_released() -> None:
    stage = Stage(Commits([at("c1")]))
    stage.live()
    assert stage.order(HoldMachine("VM1", "vendor visit")).done
    stage.source.known.append(at("c2", vm1="Host2"))
    stage.live()
    assert stage.where()["vm1"] == "Host1"

    assert stage.order(ReleaseMachine("vm1")).done
    stage.live()
    assert stage.where()["vm1"] == "Host2"


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (HoldMachine("nobody", "why"), "no-such-machine"),
        (HoldMachine("vm1", "why", OBSERVED_AT), "past"),
        (ReleaseMachine("vm1"), "not-held"),
        (Resume(), "not-paused"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_with_its_reason_and_is_in_the_audit_trail(order: Order, code: str) -> None:
    stage = Stage(Commits([at("c1")]))
    stage.live()

    assert stage.order(order).code == code
    (entry,) = stage.store.entries(kinds=["order"])
    assert (entry.origin.actor, entry.data["code"]) == ("ops", code)


# -- approval


def test_only_the_plan_that_was_approved_starts_once_and_its_rest_needs_no_second_word() -> None:
    stage = Stage(Commits([at("c1", vm1="Host2", vm2="Host1")]), approval=True)
    stage.live()
    assert stage.where() == {"vm1": "Host1", "vm2": "Host2"}
    waits_for = stage.board.latest.approval
    assert waits_for is not None

    assert stage.order(ApprovePlan(waits_for)).done
    stage.live(10)
    assert stage.where() == {"vm1": "Host2", "vm2": "Host1"}
    assert stage.board.latest.approval is None

    stage.source.known.append(at("c2", vm1="Host1", vm2="Host1"))
    stage.live(10)
    assert stage.where()["vm1"] == "Host2"
    assert stage.where()["vm1"] == "Host2"


def test_a_plan_may_be_approved_before_its_commit_comes_and_by_another_process() -> None:
    """As a review approves it, before the merge. What is planned instead waits, and says how it differs."""
    reviewed = Stage(Commits([at("c2", vm1="Host2")]), approval=True)
    reviewed.live(1)
    plan = reviewed.board.latest.plan
    assert plan is not None
    stage = Stage(Commits([at("c1")]), approval=True)
    stage.live(1)

    stage.store.append(PLAN_APPROVED, approval_data(plan.fingerprint, plan))
    stage.source.known.append(at("c3", vm2="Host1"))
    stage.live(10)
    (waiting,) = stage.board.latest.waiting
    assert stage.where() == {"vm1": "Host1", "vm2": "Host2"}
    assert "+ vm2 liveMigration Host2 → Host1; - vm1 liveMigration Host1 → Host2" in waiting.finding

    stage.source.known.append(at("c2", vm1="Host2"))
    stage.live(10)
    assert stage.where() == {"vm1": "Host2", "vm2": "Host2"}


def test_an_approved_plan_goes_on_after_a_restart() -> None:
    stage = Stage(Commits([at("c1", vm1="Host2", vm2="Host1")]), approval=True)
    stage.live(1)
    assert stage.order(ApprovePlan(str(stage.board.latest.approval))).done
    stage.start()
    stage.live(10)

    assert stage.where() == {"vm1": "Host2", "vm2": "Host1"}


# -- the last word on a commit


def test_of_each_commit_it_is_told_how_it_goes_and_how_it_ended() -> None:
    """One in place, one carried out; a restart says the same again, and drift after that is no matter of the pull request."""
    stage = Stage(Commits([at("c1")]))
    stage.live()
    stage.source.known.append(at("c2", vm1="Host2"))
    stage.live(10)
    assert stage.said() == [("c1", "done", 0), ("c2", "underWay", 0), ("c2", "done", 1)]

    stage.words.clear()
    stage.start()
    stage.live(10)
    assert stage.said() == [("c2", "done", 1)]
    stage.world.person_moves(vm_id("vm1"), "Host1")
    stage.live(10)
    assert stage.where()["vm1"] == "Host2"
    assert {state for _, state, _ in stage.said()} == {"done"}


def test_a_commit_that_is_overtaken_refused_or_stuck_is_told_so() -> None:
    stage = Stage(Commits([at("c1")]))
    stage.live(1)
    stage.source.known.append(at("c2", vm1="Host2"))
    stage.service._source_due = None
    stage.service.once()
    stage.source.known.append(at("c3", vm2="Host1"))
    stage.service._source_due = None
    stage.live(10)
    assert stage.said()[1:4] == [("c2", "underWay", 0), ("c2", "overtaken", 0), ("c3", "underWay", 0)]
    assert stage.said()[-1][:2] == ("c3", "done")

    stage.words.clear()
    stage.source.known.append(Candidate("c4", None, (BAD,), descends=True))
    stage.live(10)
    assert [(word.revision, word.state, word.why) for word in stage.words] == [("c4", "refused", str(BAD))]

    stage.words.clear()
    closed = desired_host("Host2", cordoned=True)
    stuck = desired(desired_vm("vm1", "Host2"), closed, hosts=2, digest="sha256:c5", revision="c5")
    stage.source.known.append(replace(at("c5"), desired=stuck))
    stage.live(10)
    assert stage.said() == [("c5", "stuck", 0)]


def test_the_store_of_a_service_that_runs_for_years_stays_bounded() -> None:
    """Once a day what is old goes, and what still counts stays."""
    stage = Stage(Commits([at("c1")]))
    stage.live(1)
    for number in range(1100):
        stage.store.append("order", {"number": number})
    stage.clock.sleep(timedelta(days=500).total_seconds())
    stage.live(1)

    assert len(stage.store.entries()) < 100
    assert [entry.data["revision"] for entry in stage.store.entries(kinds=[IN_FORCE])] == ["c1"]


# -- the end


def test_stopped_in_the_middle_it_starts_nothing_more_and_the_next_one_follows_what_runs() -> None:
    stage = Stage(Commits([at("c1", vm1="Host2")]))
    stage.service.once()
    stage.service.stop()
    stage.service.run()
    assert stage.told()[-1] == "service-stopped"
    assert stage.where()["vm1"] == "Host1"

    stage.start()
    stage.live()
    assert stage.where()["vm1"] == "Host2"
    assert stage.told().count("step-started") == 1
