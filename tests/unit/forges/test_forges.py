"""One comment on one pull request, on each forge, in good days and bad: edited in place, never doubled, never another's."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.clock import ManualClock
from reconciler.forges.environment import TOKENS, Job, NoPullRequest, forge_of, run_url
from reconciler.forges.port import ForgeError, Status, Trouble
from reconciler.forges.sticky import post_sticky
from reconciler.report.forges import ForgeName
from tests.unit.forges.fakes import LOST, OTHER, TOKEN, FakeAzureDevOps, FakeForge, FakeGitHub, FakeGitLab, serving

MARKER = "<!-- reconciler:preview -->"
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KINDS: tuple[type[FakeForge], ...] = (FakeGitHub, FakeGitLab, FakeAzureDevOps)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def forge(request: pytest.FixtureRequest) -> Iterator[FakeForge]:
    fake: FakeForge = request.param()
    with serving(fake):
        yield fake


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def post(fake: FakeForge, clock: ManualClock, text: str = "two", token: str = TOKEN) -> str:
    job = Job(fake.environment() | {TOKENS[ForgeName(fake.name)]: token}, clock)
    return post_sticky(forge_of(ForgeName(fake.name), job), MARKER, lambda most: f"{MARKER}\n{text}"[:most], 60_000)


def waited(clock: ManualClock) -> float:
    return (clock.now() - START).total_seconds()


def test_the_first_push_writes_a_comment_and_every_later_one_edits_it(forge: FakeForge, clock: ManualClock) -> None:
    """And one that changes nothing leaves it alone, so that nobody is notified."""
    forge.add("a question of a reviewer", OTHER)

    done = [post(forge, clock, text) for text in ("one", "two", "two")]

    assert done == ["written", "edited", "unchanged"]
    assert forge.bodies() == ["a question of a reviewer", f"{MARKER}\ntwo"]


def test_a_comment_of_somebody_else_with_our_marker_is_never_edited(forge: FakeForge, clock: ManualClock) -> None:
    """Whoever plants the marker could change our words later: ours is told by its author, on every page of comments."""
    forge.add(f"{MARKER}\nall is well, merge it", OTHER)
    forge.add("and more", OTHER)
    ours = forge.add(f"{MARKER}\nold")

    assert post(forge, clock) == "edited"
    assert [forge.comments[1]["body"], forge.comments[ours]["body"]] == [f"{MARKER}\nall is well, merge it", f"{MARKER}\ntwo"]


def test_a_comment_that_a_person_edited_is_put_right_and_one_deleted_is_written_anew(
    forge: FakeForge, clock: ManualClock
) -> None:
    """Also where it is deleted between finding and editing it."""
    post(forge, clock)
    forge.comments[1]["body"] += " (edited by hand)"
    assert post(forge, clock) == "edited"
    assert forge.bodies() == [f"{MARKER}\ntwo"]

    forge.fail("PUT" if forge.name == "gitlab" else "PATCH", 404)
    assert post(forge, clock, "three") == "written"


def test_a_forge_that_asks_for_patience_gets_it(forge: FakeForge, clock: ManualClock) -> None:
    """429 with Retry-After is waited for; a server's error on a question is asked again, a little later each time."""
    forge.fail("POST", 429, Retry_After="30")
    forge.fail("GET", 503, times=2)

    assert post(forge, clock) == "written"
    assert waited(clock) == 30 + 2 + 4


def test_a_forge_that_asks_for_too_much_patience_is_an_error(forge: FakeForge, clock: ManualClock) -> None:
    """An hour would outlast the job."""
    forge.fail("POST", 429, Retry_After="3600")

    with pytest.raises(ForgeError) as error:
        post(forge, clock)

    assert (error.value.trouble, waited(clock)) == (Trouble.UNAVAILABLE, 0)


@pytest.mark.parametrize("status", [LOST, 502])
def test_a_lost_answer_never_makes_a_second_comment(forge: FakeForge, clock: ManualClock, status: int) -> None:
    """A 502 after writing: we look before writing again. A 502 before writing: it is written after all."""
    forge.fail("POST", status)

    assert post(forge, clock) == "written"
    assert forge.bodies() == [f"{MARKER}\ntwo"]


def test_a_forge_that_is_down_is_an_error_after_four_attempts(forge: FakeForge, clock: ManualClock) -> None:
    """Not an endless job."""
    forge.fail("GET", 500, "<html>", times=40)

    with pytest.raises(ForgeError) as error:
        post(forge, clock)

    assert (error.value.trouble, waited(clock)) == (Trouble.UNAVAILABLE, 2 + 4 + 8)


def test_a_comment_that_is_too_long_after_all_is_written_shorter(forge: FakeForge, clock: ManualClock) -> None:
    """Limits change, and one of them is not documented."""
    forge.most = 20_000

    assert post(forge, clock, "x" * 70_000) == "written"
    assert [len(body) for body in forge.bodies()] == [15_000]


def test_a_wrong_token_is_refused_without_showing_it(forge: FakeForge, clock: ManualClock) -> None:
    """Not even where the forge repeats it in its answer, as some proxies do."""
    wrong = "wr0ng-but-secret"

    with pytest.raises(ForgeError, match="401") as error:
        post(forge, clock, token=wrong)

    assert error.value.trouble is Trouble.REFUSED
    assert wrong not in f"{error.value!r} {error.value}"


def test_the_status_says_the_verdict_on_the_head(forge: FakeForge, clock: ManualClock) -> None:
    """Green or not; on Azure DevOps of the last iteration, so that the next push starts without one."""
    request = forge_of(ForgeName(forge.name), Job(forge.environment(), clock))
    for is_fine in (True, False):
        request.set_status(Status("reconciler/preview", is_fine, "8 moves, 8 needed", "https://ci/1"))

    first, second = forge.statuses
    assert (first["state"], second["state"]) in {("success", "failure"), ("success", "failed"), ("succeeded", "failed")}
    assert first["description"] == "8 moves, 8 needed"
    assert "feed" * 10 in first["path"] or first["iterationId"] == 3
    assert "https://ci/1" in (first.get("target_url"), first.get("targetUrl"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_job_without_pull_request_or_token_says_what_is_missing(kind: type[FakeForge], clock: ManualClock) -> None:
    """Each variable that a pipeline sets, and the token that a person must hand over."""
    fake = kind()
    fake.url = "https://forge.example.org"
    environ = fake.environment()

    for variable in environ.keys() - {"GITHUB_API_URL"}:
        with pytest.raises(NoPullRequest, match=variable):
            forge_of(ForgeName(fake.name), Job(environ | {variable: ""}, clock))


def test_a_github_status_goes_to_the_head_that_the_event_names(tmp_path: Path, clock: ManualClock) -> None:
    """GITHUB_SHA is the merge commit that was checked out, where a status would be seen by nobody."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"sha": "b" * 40}}}))
    fake = FakeGitHub()
    with serving(fake):
        job = Job(fake.environment() | {"GITHUB_EVENT_PATH": str(event), "GITHUB_SHA": "c" * 40}, clock)
        forge_of(ForgeName.GITHUB, job).set_status(Status("s", True, "t"))

    assert [status["path"] for status in fake.statuses] == [f"/repos/contoso/fleet/statuses/{'b' * 40}"]


def test_no_token_goes_over_plain_http_to_another_machine(clock: ManualClock) -> None:
    """Azure DevOps Server on premises is often set up without TLS."""
    environ = FakeAzureDevOps().environment() | {"SYSTEM_COLLECTIONURI": "http://tfs.contoso.com/DefaultCollection/"}

    with pytest.raises(ForgeError, match="is not https"):
        forge_of(ForgeName.AZURE_DEVOPS, Job(environ, clock)).own_comments()


def test_a_list_that_goes_on_elsewhere_is_not_followed(clock: ManualClock) -> None:
    """The token goes to the forge's own address and nowhere else."""
    fake = FakeGitHub()
    with serving(fake):
        for _ in range(3):
            fake.add("x")
        real, fake.url = fake.url, "https://evil.example.org/api"
        with pytest.raises(ForgeError, match=r"evil\.example\.org"):
            forge_of(ForgeName.GITHUB, Job(fake.environment() | {"GITHUB_API_URL": real}, clock)).own_comments()


def test_a_redirect_is_not_followed_and_nothing_of_a_job_is_shown(clock: ManualClock) -> None:
    """Neither by ``repr`` of what holds the environment nor by that of the client."""
    fake = FakeGitHub()
    with serving(fake):
        fake.fail("GET", 302, Location="https://evil.example.org/")
        job = Job(fake.environment(), clock)
        with pytest.raises(ForgeError, match="answers 302"):
            forge_of(ForgeName.GITHUB, job).own_comments()

    assert TOKEN not in repr(job) + repr(forge_of(ForgeName.GITHUB, job))


def test_every_status_leads_to_the_job_that_set_it() -> None:
    """As far as the forge tells where that is."""
    azure = {"SYSTEM_COLLECTIONURI": "https://dev.azure.com/c/", "SYSTEM_TEAMPROJECTID": "p", "BUILD_BUILDID": "9"}

    assert run_url(ForgeName.GITLAB, {"CI_JOB_URL": "https://g/j/1"}) == "https://g/j/1"
    assert run_url(ForgeName.GITHUB, {}) is None
    assert run_url(ForgeName.AZURE_DEVOPS, azure) == "https://dev.azure.com/c/p/_build/results?buildId=9"
