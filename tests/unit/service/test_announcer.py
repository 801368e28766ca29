"""The last word on a pull request: what became of its commit, on each forge, told once and never in the loop's way."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from reconciler.clock import ManualClock
from reconciler.forges.configured import repository_of
from reconciler.model.commit_report import CommitReport, CommitState
from reconciler.model.plan import Blocked
from reconciler.model.progress import OutcomeState, StepOutcome
from reconciler.model.words import Action
from reconciler.report.commit import commit_markdown, commit_status
from reconciler.report.forges import ForgeName
from reconciler.service.announcer import Announcer
from tests.unit.forges.fakes import MERGED, PUSHED, TOKEN, FakeAzureDevOps, FakeForge, FakeGitHub, FakeGitLab, serving

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
REPOSITORIES = {"github": "contoso/fleet", "gitlab": "12", "azure-devops": "My Fleet/r1"}


@pytest.fixture(params=(FakeGitHub, FakeGitLab, FakeAzureDevOps), ids=lambda kind: kind.name)
def forge(request: pytest.FixtureRequest) -> Iterator[FakeForge]:
    fake: FakeForge = request.param()
    with serving(fake):
        yield fake


def a_report(state: CommitState = CommitState.DONE, revision: str = MERGED, **fields: object) -> CommitReport:
    """A commit that moved one machine, out of its cluster for a while."""
    moved = StepOutcome(
        step_id="s1",
        subject="virtualMachine/web|1",
        action=Action.LIVE_MIGRATION,
        source="Host1",
        destination="Host2",
        state=OutcomeState.DONE,
        started_at=START,
        ended_at=START.replace(minute=2),
        unprotected_seconds=30,
    )
    return CommitReport(revision, state, outcomes=(moved,), **fields)  # type: ignore[arg-type]


def tell(fake: FakeForge, *reports: CommitReport) -> list[str]:
    """Tell one after another, as a loop does with time between them; return what came of each."""
    came: list[str] = []
    told = threading.Semaphore(0)

    def count(what: str) -> None:
        came.append(what)
        told.release()

    repository = repository_of(ForgeName(fake.name), REPOSITORIES[fake.name], fake.url, TOKEN, ManualClock(START))
    for report in reports:
        announcer = Announcer(repository, "", 60_000, count, pauses=(0, 0))
        announcer.tell([report])
        assert told.acquire(timeout=20)
        announcer.close()
    return came


def test_a_pull_request_hears_of_progress_and_then_the_last_word_in_one_comment(forge: FakeForge) -> None:
    """The status of the merged commit goes from pending to green with it."""
    under_way = a_report(CommitState.UNDER_WAY, running=1, left=2, why="no window is open")

    assert tell(forge, under_way, a_report(), a_report()) == ["told"] * 3

    (body,) = forge.bodies()
    assert body.startswith("<!-- reconciler:commit -->\n\n### ✓ reconciler: carried out: 1 migration done and verified")
    assert "2 min" in body
    assert "30 s without high availability, measured" in body
    assert [status["state"] for status in forge.statuses][:2] in (
        ["pending", "success"],
        ["running", "success"],
        ["pending", "succeeded"],
    )
    assert all(MERGED in status["path"] for status in forge.statuses)


def test_a_commit_that_nobody_reviewed_gets_a_status_alone(forge: FakeForge) -> None:
    assert tell(forge, a_report(revision=PUSHED)) == ["told"]
    assert (len(forge.statuses), forge.bodies()) == (1, [])


def test_a_forge_that_fails_is_asked_again_and_one_that_refuses_is_not(forge: FakeForge) -> None:
    forge.fail("POST", 503)
    forge.fail("POST", 502)
    forge.fail("POST", 401)

    assert tell(forge, a_report(), a_report()) == ["failed", "told"]
    assert len(forge.bodies()) == 1


def test_what_needs_a_person_stands_in_the_comment_harmlessly_and_the_status_is_short() -> None:
    """Names come from hosts that we do not own."""
    blocked = Blocked(
        subject="virtualMachine/x", code="no-room", finding="</details> @everyone " + "x" * 300, remedy="free memory"
    )
    stuck = a_report(CommitState.STUCK, blocked=(blocked,), why=blocked.finding)
    text = commit_markdown(stuck)

    assert "</details>" not in text
    assert "@everyone" not in text
    assert "`web\\x7c1`" in text
    assert len(commit_status(stuck)) == 140
    assert len(commit_markdown(stuck, room=2_000)) <= 2_000
