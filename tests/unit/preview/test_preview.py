"""What a change does to a fleet: told apart by deeds, diffed by meaning, judged by stated rules."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired import SourceFile
from reconciler.desired.compare import changes_between
from reconciler.model.plan import MachineStep
from reconciler.model.preview import Change, Preview, RiskLevel
from reconciler.report.preview_words import verdict, window_sentence
from tests.builders import a_fleet, a_host, a_vm
from tests.unit.preview.change import NOW, desired, document, preview, vm

STAY = (vm("vm1", "Host1"), vm("vm2", "Host1"), vm("vm3", "Host2"))


def moves(made: Preview, *changes: Change) -> list[tuple[str, str | None]]:
    steps = [step for step in made.steps_of(*changes) if isinstance(step, MachineStep)]
    return sorted((step.virtual_machine.name, step.destination) for step in steps)


def test_a_change_shows_the_moves_it_adds_keeps_and_makes_needless() -> None:
    """vm1 is due either way, vm2 no longer, vm3 newly; ids and order differ between the two plans and do not matter."""
    base = desired(vm("vm1", "Host3"), vm("vm2", "Host3"), vm("vm3", "Host2"))
    head = desired(vm("vm1", "Host3"), vm("vm2", "Host1"), vm("vm3", "Host3"))

    made = preview(base, head)

    assert moves(made, Change.ADDED) == [("vm3", "Host3")]
    assert moves(made, Change.KEPT) == [("vm1", "Host3")]
    assert moves(made, Change.REMOVED) == [("vm2", "Host3")]
    assert (verdict(made), made.added_migrations, made.has_changes) == ("2 moves, 2 needed", 1, True)


def test_another_destination_for_the_same_machine_is_another_move() -> None:
    """The old one falls away, the new one is caused by this change."""
    made = preview(desired(vm("vm1", "Host2"), *STAY[1:]), desired(vm("vm1", "Host3"), *STAY[1:]))

    assert moves(made, Change.ADDED) == [("vm1", "Host3")]
    assert moves(made, Change.REMOVED) == [("vm1", "Host2")]


def test_a_change_of_comments_and_layout_changes_nothing() -> None:
    """Documents may move to other files, fields to other places."""
    base, head = desired(*STAY), desired(*reversed(STAY))
    head.append(SourceFile("d/moved.yaml", b"# why\n" + head[0].content))
    head[0] = SourceFile("d/hosts.yaml", b"# nothing here any more\n")

    made = preview(base, head)

    assert (made.changes, made.steps, made.has_changes, made.risk.level) == ((), (), False, RiskLevel.LOW)


HOSTS = st.sampled_from(["Host1", "Host2", "Host3"])
PLACES = st.tuples(HOSTS, HOSTS, HOSTS)


@given(PLACES, PLACES)
@settings(max_examples=25, deadline=None)
def test_added_and_kept_are_the_heads_plan_and_kept_and_removed_the_bases(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """Nothing is lost or shown twice, whatever changes to whatever; and there and back again is the mirror image."""
    base = desired(*(vm(f"vm{number}", host) for number, host in enumerate(before, 1)))
    head = desired(*(vm(f"vm{number}", host) for number, host in enumerate(after, 1)))
    there, back, still = preview(base, head), preview(head, base), preview(head, head)

    assert moves(there, Change.ADDED, Change.KEPT) == moves(still, Change.KEPT)
    assert moves(there, Change.ADDED) == moves(back, Change.REMOVED)
    assert moves(there, Change.KEPT) == moves(back, Change.KEPT)


def test_the_diff_of_the_desired_state_names_field_values_and_line() -> None:
    """Changed, added and removed fields and documents; disks one by one, other lists whole."""
    storage = ", storage: {disks: [{file: os.vhdx, path: 'D:\\VMs\\%s'}]}"
    base = desired(vm("vm1", "Host1", storage % "a"), vm("vm2", "Host1"))
    head = desired(vm("vm1", "Host2", storage % "b" + ", highAvailability: false"), vm("VM9", "Host1"))

    found = [(one.subject, one.change, one.field, one.source, one.target, one.place) for one in changes_between(base, head)]

    assert found == [
        ("virtualMachine/vm1", "changed", "placement.host", "Host1", "Host2", "d/vms.yaml:4"),
        ("virtualMachine/vm1", "changed", "storage.disks[0].path", r"D:\VMs\a", r"D:\VMs\b", "d/vms.yaml:4"),
        ("virtualMachine/vm1", "added", "highAvailability", None, False, "d/vms.yaml:4"),
        ("virtualMachine/vm2", "removed", "", None, None, "d/vms.yaml:6"),
        ("virtualMachine/VM9", "added", "", None, None, "d/vms.yaml:6"),
    ]


def test_a_head_with_errors_gives_all_of_them_with_their_lines_and_no_plan() -> None:
    """Whoever wrote it mends all at once."""
    head = desired(vm("vm1", "Host1", ", colour: red"), document("VirtualMachine", "vm2", "[]"))

    made = preview(desired(*STAY), head)

    assert [(one.code, one.place) for one in made.head.problems] == [
        ("unknown-field", "d/vms.yaml:4"),
        ("wrong-type", "d/vms.yaml:9"),
    ]
    assert (verdict(made), made.steps, made.applicable) == ("no plan: the head revision has 2 errors", (), False)


def test_a_base_with_errors_shows_the_head_alone_and_says_that_nothing_is_compared() -> None:
    """A change that mends a broken main branch must be reviewable."""
    made = preview(desired("kind: [\n"), desired(vm("vm1", "Host3"), *STAY[1:]))

    assert moves(made, Change.UNKNOWN) == [("vm1", "Host3")]
    assert (made.base.is_valid, made.changes, made.has_changes) == (False, (), True)


def test_what_a_change_blocks_is_told_from_what_was_blocked_before() -> None:
    """And from what it unblocks."""
    seen = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2"), a_vm("vm3")), a_host("Host2", available_mib=0), a_host("Host3"))
    base = desired(vm("vm1", "Host2"), vm("vm2", "Host2"), vm("vm3", "Host1"))
    head = desired(vm("vm1", "Host2"), vm("vm2", "Host1"), vm("vm3", "Host2"))

    made = preview(base, head, seen)

    names = [[one.subject for one in made.blocked_of(change)] for change in (Change.ADDED, Change.KEPT, Change.REMOVED)]
    assert names == [["virtualMachine/vm3"], ["virtualMachine/vm1"], ["virtualMachine/vm2"]]


POLICY = "{windows: [{days: [Sat], start: '22:00', end: '%s', timeZone: UTC}]}"


@pytest.mark.parametrize(
    ("end", "now", "said"),
    [
        ("06:00", NOW, "fits the next window, Sat 2026-11-28 22:00Z to Sun 06:00Z"),
        ("22:01", NOW, "does not fit the next window, Sat 2026-11-28 22:00Z to Sat 22:01Z; what is left waits"),
        ("06:00", NOW + timedelta(days=4, hours=11), "fits the window that is open, Sat 2026-11-28 22:00Z to"),
        ("23:01", NOW + timedelta(days=4, hours=11), "does not fit the window that is open"),
    ],
)
def test_the_window_that_counts_is_the_open_one_or_the_next(end: str, now: datetime, said: str) -> None:
    """Fitting means that all of it would have ended; the time left counts, not the length."""
    head = desired(
        *(vm(f"vm{number}", "Host3", f", storage: {{path: 'D:\\VMs\\vm{number}'}}") for number in (1, 2, 3)),
        document("Policy", "default", POLICY % end),
    )

    assert window_sentence(preview(desired(*STAY), head, now=now)).startswith(said)


def risk_of(base: list[SourceFile], head: list[SourceFile], machines: int) -> tuple[RiskLevel, tuple[str, ...]]:
    seen = a_fleet(a_host("Host1", *(a_vm(f"vm{n}") for n in range(1, machines + 1))), a_host("Host2"), a_host("Host3"))
    risk = preview(base, head, seen).risk
    return risk.level, risk.reasons


def many(machines: int, moved: int) -> list[SourceFile]:
    return desired(*(vm(f"vm{n}", "Host2" if n <= moved else "Host1") for n in range(1, machines + 1)))


@pytest.mark.parametrize(("moved", "level"), [(1, RiskLevel.LOW), (2, RiskLevel.MEDIUM), (6, RiskLevel.HIGH)])
def test_the_share_of_the_fleet_that_moves_is_a_risk_from_a_tenth_up(moved: int, level: RiskLevel) -> None:
    """And a high one from three tenths; below ten machines the share says nothing."""
    found, reasons = risk_of(many(20, 0), many(20, moved), 20)

    assert found is level
    assert ("managed machines migrate" in " ".join(reasons)) is (level is not RiskLevel.LOW)


def test_a_guard_rail_in_the_way_is_a_high_risk_and_holds_the_verdict_back() -> None:
    """The plan is shown all the same."""
    base = many(20, 0)
    head = [
        *many(20, 2),
        SourceFile("d/p.yaml", document("Policy", "p", "{guardrails: {maximumMigrationsPerPlan: 1}}").encode()),
    ]

    made = preview(
        base, head, a_fleet(a_host("Host1", *(a_vm(f"vm{n}") for n in range(1, 21))), a_host("Host2"), a_host("Host3"))
    )

    assert (made.risk.level, verdict(made)) == (RiskLevel.HIGH, "2 moves, 2 needed, held back")
    assert made.risk.reasons[0].startswith("guardrail-migrations: the plan has 2 migrations, and 1 are allowed")
    assert "the policy that guards the fleet changes: the whole document" in made.risk.reasons


def test_emptied_hosts_and_machines_that_are_let_go_are_named() -> None:
    """A reviewer of a drain, or of a deletion, sees it without counting."""
    made = preview(desired(*STAY), desired(vm("vm1", "Host3"), vm("vm3", "Host3")))

    assert made.risk.reasons == ("no machine would be left on Host2", "no longer managed: vm2")
