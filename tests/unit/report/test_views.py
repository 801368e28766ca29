"""Every view once as a whole, against a golden file; then the promises that a golden file does not make obvious."""

import json
from dataclasses import replace
from io import StringIO
from itertools import pairwise

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from reconciler import report
from reconciler.model.exit_codes import exit_code_table
from reconciler.model.observation import Observation
from reconciler.model.plan import Blocked, DriftEntry, Plan, PlanProblem, Summary
from reconciler.model.problem import Place, Problem, Severity
from reconciler.model.progress import ApplyReport, OutcomeState, Progress, ProgressRow
from reconciler.model.words import Handling, MigrationKind
from tests.unit.report import golden
from tests.unit.report.fleet import (
    GIB,
    SEEN,
    a_desired,
    a_full_plan,
    a_host,
    a_move,
    a_plan,
    a_quiet_observation,
    a_ref,
    a_report,
    an_observation,
)

PROBLEMS = (
    Problem("duplicate-key", "'name' is given twice", "keep one of them", place=Place("vms/web.yaml", 12, 3)),
    Problem("stale", "the file was seen 20 min ago", "observe again", subject="fleet", severity=Severity.WARNING),
    Problem("unknown-host", "there is no Host named HV9", "define it, or correct the name", place=Place("vms/web.yaml", 4, 9)),
)

VIEWS = {
    "plan.txt": lambda: report.plan_text(a_full_plan(), a_desired(), an_observation()),
    "plan.md": lambda: report.plan_markdown(a_full_plan(), a_desired(), an_observation()),
    "nothing-to-do.txt": lambda: report.plan_text(a_plan(), a_desired(), a_quiet_observation()),
    "drift.txt": lambda: report.drift_text(a_full_plan()),
    "drift.md": lambda: report.drift_markdown(a_full_plan()),
    "observation.txt": lambda: report.observation_text(an_observation()),
    "migrations.txt": lambda: report.migrations_text(an_observation()),
    "problems.txt": lambda: report.problems_text(PROBLEMS),
    "problems.md": lambda: report.problems_markdown(PROBLEMS),
    "valid.txt": lambda: report.validated_text(a_desired(), PROBLEMS[1:2]),
    "apply.txt": lambda: report.apply_text(a_report()),
    "apply.md": lambda: report.apply_markdown(a_report()),
    "exit-codes.txt": lambda: exit_code_table() + "\n",
    "progress.txt": lambda: "\n".join(a_log()) + "\n",
}


def a_row(percent: int | None, name: str = "web1") -> ProgressRow:
    done = None if percent is None else 4 * GIB * percent // 100
    return ProgressRow(name, MigrationKind.LIVE, "StandAlone1", "StandAlone2", percent, done, 4 * GIB, 20)


def a_look(*rows: ProgressRow, done: int = 0, failed: int = 0) -> Progress:
    return Progress(SEEN, rows, done, failed, waiting=3 - done - failed - len(rows), total=3)


def a_log() -> tuple[str, ...]:
    looks = [
        None,
        a_look(a_row(None)),
        a_look(a_row(20)),
        a_look(a_row(60)),
        a_look(a_row(60)),
        a_look(a_row(80)),
        a_look(a_row(90)),
        a_look(a_row(100)),
        a_look(done=1),
    ]
    return tuple(line for before, now in pairwise(looks) if now for line in report.progress_lines(before, now))


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_reads_as_agreed(name: str) -> None:
    """Each view equals its golden file, which a reviewer has read."""
    assert golden.same_as_golden(name, VIEWS[name]())


def test_the_page_about_output_shows_the_views_as_they_are() -> None:
    """docs/output.md holds the goldens themselves, so that it cannot fall behind."""
    page = golden.PAGE.read_text(encoding="utf-8")
    shown = golden.page_with_goldens(page)
    if golden.is_updating():
        golden.PAGE.write_text(shown, encoding="utf-8")
        page = shown
    assert page == shown
    assert golden.BLOCK.search(page)


def test_colour_changes_no_word() -> None:
    """Taking the escape sequences out of the coloured plan gives the plain one."""
    colored = report.plan_text(a_full_plan(), a_desired(), an_observation(), color=True)
    assert "\x1b[" in colored
    assert Text.from_ansi(colored).plain.split() == report.plan_text(a_full_plan(), a_desired(), an_observation()).split()


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_plan_keeps_within_the_width_but_for_paths(width: int) -> None:
    """Only a line with a path that cannot be broken may stick out."""
    lines = report.plan_text(a_full_plan(), a_desired(), an_observation(), width=width).splitlines()
    assert [line for line in lines if cell_len(line) > width and "\\" not in line] == []
    assert any("Cluster1Node1 → Cluster2Node1" in line for line in lines)


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (a_plan(), "Nothing to do: 14 machines in place, every setting as committed."),
        (a_plan(summary=Summary(in_place=1, moving=2)), "Nothing to start: 1 machine in place · 2 moving."),
        (
            a_plan(complete=False, summary=Summary(in_place=3, unknown=1)),
            "Nothing to do among what could be seen: 3 machines in place",
        ),
        (a_plan(blocked=(Blocked(subject="x/y", code="c", finding="f", remedy="r"),)), "Nothing can be done now: 14 machines"),
        (a_plan(summary=Summary()), "Nothing to do: no machine is out of place, because none is managed here yet."),
        (a_plan(applicable=False), "the plan may not be applied"),
    ],
)
def test_a_plan_without_steps_never_claims_more_than_is_known(plan: Plan, sentence: str) -> None:
    """Blocked, moving and unknown machines each change what "nothing to do" says."""
    assert sentence in report.plan_text(plan, a_desired(), a_quiet_observation()).splitlines()[0]


def test_drift_that_is_only_reported_is_not_hidden_behind_nothing_to_do() -> None:
    """A plan without steps still lists what stays different."""
    entry = DriftEntry(
        subject="host/H1", field="migration.networks", desired=["10.0.0.0/8"], observed=None, handling=Handling.REPORT
    )
    text = report.plan_text(a_plan(drift=(entry,)), a_desired(), a_quiet_observation())
    assert "except the drift below" in text
    assert "10.0.0.0/8" in text
    assert "unknown" in text


def test_a_plan_held_back_says_why_and_offers_no_apply() -> None:
    """A guard rail stands in the answer, the steps are still shown, and nobody is told to apply them."""
    rail = PlanProblem(
        code="guardrail-share",
        subject="",
        severity="error",
        finding="40 % of machines would move",
        remedy="raise it",
        place="p.yaml:3",
    )
    text = report.plan_text(a_plan(a_move(), applicable=False, problems=(rail,)), a_desired(), a_quiet_observation())
    assert "StandAloneVM1" in text
    assert "40 % of machines would move" in text
    assert "Next: reconciler apply" not in text


def test_twins_are_told_apart_by_id() -> None:
    """Two machines of one name carry the heads of their VMIds."""
    plan = a_plan(a_move("web"), a_move("WEB", id="s3", virtual_machine=a_ref("WEB", 2)))
    text = report.plan_text(plan, a_desired(), a_quiet_observation())
    assert "web (00000001)" in text
    assert "WEB (00000002)" in text


def test_slots_that_are_handed_over_at_one_moment_count_once() -> None:
    """Estimated times are half open: a step may begin when another ends without both counting."""
    starts = (0, 0, 45, 45, 90)
    steps = [
        a_move(f"vm{n}", id=f"s{n}", virtual_machine=a_ref(f"vm{n}", n), estimated_start_seconds=start)
        for n, start in enumerate(starts)
    ]
    lines = report.plan_text(a_plan(*steps), a_desired(), a_quiet_observation()).splitlines()
    assert [line.split() for line in lines if line.startswith("  StandAlone1")] == [
        ["StandAlone1", "0", "2", "2", "0", "0", "2"]
    ]


def test_times_that_meet_to_the_millisecond_do_not_count_twice() -> None:
    """0.4 and 5.737 are a little more than 6.137 as a computer adds them: the step that follows takes the same slot."""
    steps = [
        a_move(f"vm{n}", id=f"s{n}", virtual_machine=a_ref(f"vm{n}", n), estimated_start_seconds=start, estimated_seconds=5.737)
        for n, start in enumerate((0.4, 6.137))
    ]
    assert steps[0].estimated_start_seconds + 5.737 > 6.137
    lines = report.plan_text(a_plan(*steps), a_desired(), a_quiet_observation()).splitlines()
    assert [line.split()[2] for line in lines if line.startswith("  StandAlone1")] == ["1"]


def test_unknown_counts_are_shown_as_unknown() -> None:
    """A host that reports neither counts nor limits shows question marks, never zeros."""
    blind = Observation(observed_at=SEEN, hosts=(a_host("StandAlone1", migration={}),))
    lines = report.plan_text(a_plan(a_move()), a_desired(), blind).splitlines()
    assert [line.split() for line in lines if line.startswith("  StandAlone1")] == [
        ["StandAlone1", "?", "1", "?", "?", "0", "?"]
    ]


def test_no_migration_is_claimed_only_of_hosts_that_answered() -> None:
    """With a silent host, the sentence says for whom it speaks."""
    assert report.migrations_text(a_quiet_observation()) == "No migration is running.\n"
    silent = Observation(observed_at=SEEN, hosts=an_observation().hosts[-1:])
    assert report.migrations_text(silent).startswith("No migration is running on the hosts that answered.")


def test_a_long_comment_is_cut_to_what_a_forge_accepts() -> None:
    """Rows give way, the verdict and the count of what is not shown stay."""
    steps = [a_move(f"vm{n}", id=f"s{n}", virtual_machine=a_ref(f"vm{n}", n)) for n in range(2000)]
    text = report.plan_markdown(a_plan(*steps, summary=Summary(live_migrations=2000)), a_desired(), a_quiet_observation())
    assert len(text) <= 60_000
    assert "2,000 migrations" in text
    assert "`vm0`" in text
    assert "more." in text


def test_a_failure_is_told_from_an_arrival_in_the_log() -> None:
    """A row that is gone was verified or failed, as the counts tell; where they do not tell, it just ended."""
    both = a_look(a_row(90, "a"), a_row(90, "b"))

    def words(now: Progress) -> list[str]:
        return [line.split(" · ")[0].rpartition(": ")[2] for line in report.progress_lines(both, now)]

    assert words(a_look(done=2)) == ["verified", "verified"]
    assert words(a_look(failed=2)) == ["failed", "failed"]
    assert words(a_look(done=1, failed=1)) == ["ended", "ended"]


def test_a_migration_that_reached_its_end_between_two_looks_waits_for_the_proof() -> None:
    """100 % is not worth a line: the next one is "verified", or it is bad news."""
    assert report.progress_lines(a_look(a_row(20)), a_look(a_row(100))) == ()


def shown_bars(progress: Progress, width: int) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=False, _environ={})
    with console.capture() as captured:
        console.print(report.progress_table(progress, width))
    return captured.get()


def test_bars_show_what_runs_on_a_terminal() -> None:
    """The table names machine, way, percent, bytes and time left, and counts the rest."""
    shown = shown_bars(a_look(a_row(50), a_row(None, "web\x1b[2J")), 140)
    assert "50 %  2 GiB of 4 GiB" in shown
    assert "20 s left" in shown
    assert "0 of 3 done, 2 running, 1 waiting" in shown
    assert "\x1b[2J" not in shown


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_bars_fit_any_terminal_without_cutting_a_number(width: int) -> None:
    """A line that wraps could not be taken back; names and bars give way, percent and time left stay whole."""
    rows = (a_row(5, "a-machine-with-a-rather-long-name-of-its-own"), a_row(None))
    lines = shown_bars(a_look(*(replace(row, seconds_left=275) for row in rows)), width).splitlines()
    assert [len(line) <= width for line in lines] == [True] * 3
    assert "5 %" in lines[0]
    assert lines[0].rstrip().endswith("4 min 35 s left")
    assert lines[2].rstrip() == "0 of 3 done, 2 running, 1 waiting"


def test_what_ended_is_counted_once() -> None:
    """A row that ended is shown a last time, to say so; it does not run any more."""
    ended = replace(a_row(100, "a"), state=OutcomeState.DONE)
    now = Progress(SEEN, (ended, a_row(5, "b")), done=1, failed=0, waiting=1, total=3)
    assert "1 of 3 done, 1 running, 1 waiting" in report.progress_lines(a_look(a_row(90, "a"), a_row(1, "b")), now)[0]
    assert report.ending_lines(a_look(a_row(90, "a"), a_row(1, "b")), now) == (
        "10:00:00 > a live StandAlone1 → StandAlone2: verified",
    )
    assert " a " not in shown_bars(now, 100)


def test_a_machine_is_named_by_its_name_unless_another_has_the_same() -> None:
    """The head of a VMId says nothing to a person; it is there to tell twins apart."""
    one, twin = (
        DriftEntry(subject="virtualMachine/web1", id=i * 36, field="f", desired="a", observed="b", handling=Handling.HOLD)
        for i in "12"
    )
    alone, both = (report.drift_text(a_plan(drift=drift)) for drift in ((one,), (one, twin)))
    assert "web1 (" not in alone
    assert "web1 (11111111)" in both
    assert "web1 (22222222)" in both


def test_an_interrupted_run_says_what_goes_on() -> None:
    """Ctrl-C stops starting; what runs on hosts is named as running, with what to type next."""
    outcomes = (a_report().outcomes[0].model_copy(update={"state": OutcomeState.RUNNING}),)
    text = report.apply_text(ApplyReport(outcomes=outcomes, interrupted=True, exit_code=130, exit_reason="interrupted"))
    assert "1 migration goes on where it runs; run reconciler apply again" in text
    assert text.endswith("Exit 130: interrupted.\n")


def test_documents_are_plain_json_with_their_kind() -> None:
    """Each JSON view can be written as it is, and names what it is."""
    kinds = [
        json.loads(json.dumps(view))["kind"]
        for view in (
            report.plan_json(a_full_plan()),
            report.drift_json(a_full_plan()),
            report.apply_json(a_report()),
            report.migrations_json(an_observation()),
        )
    ]
    assert kinds == ["Plan", "Drift", "ApplyReport", "Migrations"]
    assert report.apply_json(a_report())["outcomes"][0]["seconds"] == 74
    assert [item["line"] for item in report.problems_json(PROBLEMS)] == [None, 4, 12]
