"""Flexible machines placed together: only those that must move do, and one that may stay goes only where no other way is."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.audit import audit
from reconciler.model.desired import Desired
from reconciler.model.observation import Migration, Observation
from reconciler.model.plan import Plan
from reconciler.model.words import MigrationKind
from reconciler.plan.assign import Group, Item, Puzzle, assign
from tests.builders import a_fleet, a_host, a_vm, apart, desired, desired_host, desired_vm, vm_id
from tests.unit.plan.planning import blocked, plan_for, step_of, story

BUDGET = 20_000


def sound(wanted: Desired, fleet: Observation) -> Plan:
    """Return the plan, which the audit agrees to."""
    plan = plan_for(wanted, fleet)
    assert audit(plan, wanted, fleet) == ()
    return plan


def test_machines_are_packed_so_that_all_fit() -> None:
    """One by one, largest first, would leave one out; together they fit, and only they move."""
    drained = a_host(
        "Host1", *[a_vm(f"vm{n}", memory_mib=mib) for n, mib in ((1, 3072), (2, 3072), (3, 2048), (4, 2048), (5, 2048))]
    )
    fleet = a_fleet(drained, a_host("Host2", available_mib=6144), a_host("Host3", available_mib=6144))
    machines = [desired_vm(f"vm{n}", ("Host1", "Host2", "Host3")) for n in range(1, 6)]
    plan = sound(desired(*machines, desired_host("Host1", maintenance=True)), fleet)
    assert blocked(plan) == {}
    assert (plan.summary.migrations, plan.summary.needed_migrations) == (5, 5)
    assert step_of(plan, "vm1").destination == step_of(plan, "vm2").destination


def test_a_machine_that_may_go_elsewhere_makes_room() -> None:
    """The only host of vm1 is full of one that could be elsewhere: it goes, for that reason, and two are needed."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2"), available_mib=0), a_host("Host3"))
    plan = sound(desired(desired_vm("vm1", "Host2"), desired_vm("vm2", ("Host2", "Host3"))), fleet)
    assert story(plan) == ["liveMigration vm2 Host2 Host3", "liveMigration vm1 Host1 Host2"]
    assert (plan.steps[0].reason, plan.steps[1].depends_on) == ("makesRoom", ("s1",))
    assert (plan.summary.migrations, plan.summary.needed_migrations) == (2, 2)


def test_while_one_machine_makes_room_no_second_one_is_sent_away() -> None:
    """Its migration leads where it is allowed, so it counts as moving, and so does the memory that it will free."""
    job = Migration(id="j", virtual_machine=vm_id("vm2"), kind=MigrationKind.LIVE, destination="Host3")
    crowded = a_host("Host2", a_vm("vm2"), a_vm("vm3"), available_mib=0, migrations=(job,))
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), crowded, a_host("Host3"))
    flexible = [desired_vm(name, ("Host2", "Host3")) for name in ("vm2", "vm3")]
    plan = sound(desired(desired_vm("vm1", "Host2"), *flexible), fleet)
    assert (story(plan), blocked(plan)) == (["liveMigration vm1 Host1 Host2"], {})
    assert plan.summary.moving == 1


def test_a_mate_that_may_go_elsewhere_makes_way() -> None:
    """A rule, not memory, stands in the way; the mate that is free to go goes."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2")), a_host("Host3"))
    wanted = desired(desired_vm("vm1", "Host2"), desired_vm("vm2", ("Host2", "Host3")), apart("vm1", "vm2"))
    assert story(sound(wanted, fleet)) == ["liveMigration vm2 Host2 Host3", "liveMigration vm1 Host1 Host2"]


def test_nobody_makes_room_for_a_machine_that_cannot_come_anyway() -> None:
    """Even with its neighbour gone there is not enough room, so the neighbour stays."""
    fleet = a_fleet(
        a_host("Host1", a_vm("vm1", memory_mib=8192)), a_host("Host2", a_vm("vm2"), available_mib=0), a_host("Host3")
    )
    plan = sound(desired(desired_vm("vm1", "Host2"), desired_vm("vm2", ("Host2", "Host3"))), fleet)
    assert (story(plan), blocked(plan)) == ([], {"vm1": "no-room"})


def test_one_that_cannot_be_placed_does_not_stop_the_others() -> None:
    """Three for two places: two go, one is told why not."""
    fleet = a_fleet(a_host("Host1", *[a_vm(f"vm{n}") for n in (1, 2, 3)]), a_host("Host2", available_mib=9000))
    machines = [desired_vm(f"vm{n}", ("Host1", "Host2")) for n in (1, 2, 3)]
    plan = sound(desired(*machines, desired_host("Host1", maintenance=True), hosts=2), fleet)
    assert (len(plan.steps), list(blocked(plan).values())) == (2, ["no-room"])


@st.composite
def puzzles(draw: st.DrawFn) -> Puzzle:
    """Up to four hosts and six machines, tight, some free to stay, sometimes a group kept apart or together."""
    hosts = [f"h{n}" for n in range(draw(st.integers(2, 4)))]
    items = []
    for number in range(draw(st.integers(1, 6))):
        home = draw(st.sampled_from(hosts))
        allowed = [host for host in hosts if host != home and draw(st.booleans())]
        costs = tuple((host, draw(st.sampled_from([1, 1, 2]))) for host in allowed)
        items.append(Item(f"m{number}", home, draw(st.integers(1, 4)), costs, draw(st.booleans())))
    room = {host: draw(st.sampled_from([0, 1, 2, 4, 6, None])) for host in hosts}
    members = frozenset(item.name for item in items if draw(st.booleans()))
    values: dict[str, str | None] = {host: draw(st.sampled_from(["a", "b", host])) for host in hosts}
    group = Group(draw(st.booleans()), members, values)
    start = {item.name: item.home for item in items if not item.forced}
    # What is settled keeps the rules already; a broken one is somebody else's business.
    return Puzzle(tuple(items), room, (group,) if members and keeps(group, start) else ())


def keeps(group: Group, at: dict[str, str]) -> bool:
    values = [group.values[at[name]] for name in sorted(group.members) if name in at]
    return len(set(values)) == len(values) if group.apart else len(set(values)) <= 1


def best(puzzle: Puzzle) -> int | None:
    """Try every placement of all machines, and return the fewest migrations of those that hold."""
    choices = [
        [*((host, cost) for host, cost in item.options), *([] if item.forced else [(item.home, 0)])] for item in puzzle.items
    ]
    found = [sum(cost for _, cost in choice) for choice in product(*choices) if holds(puzzle, [host for host, _ in choice])]
    return min(found, default=None)


def holds(puzzle: Puzzle, hosts: list[str]) -> bool:
    room, arrived = dict(puzzle.room), set()
    for item, host in zip(puzzle.items, hosts, strict=True):
        if not item.forced:
            room[item.home] = None if room[item.home] is None else (room[item.home] or 0) + item.size
        room[host] = None if room[host] is None else (room[host] or 0) - item.size
        arrived |= {host} if item.forced or host != item.home else set()
    at = {item.name: host for item, host in zip(puzzle.items, hosts, strict=True)}
    return all((room[host] or 0) >= 0 for host in arrived) and all(keeps(group, at) for group in puzzle.groups)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(puzzles())
def test_the_search_finds_the_fewest_migrations(puzzle: Puzzle) -> None:
    """Compared with trying everything: the same number where all can be placed, and somebody is left out where not."""
    fewest = best(puzzle)
    answer = assign(puzzle, BUDGET)
    assert answer is not None
    if fewest is None:
        assert answer.left_out
    else:
        assert (answer.left_out, answer.migrations, answer.bound, answer.proven) == ((), fewest, fewest, True)


@pytest.mark.parametrize("spare", [0, 1])
def test_twelve_machines_of_one_size_are_decided_at_once(spare: int) -> None:
    """Counting them shows that one too many cannot fit; no search is needed to say so."""
    options = tuple((f"h{n}", 1) for n in range(4))
    items = tuple(Item(f"m{n:02}", "old", 4, options) for n in range(12))
    room: dict[str, int | None] = {"h0": 12 if spare else 11, "h1": 15, "h2": 15, "h3": 15, "old": 0}
    answer = assign(Puzzle(items, room), 200)
    assert answer is not None or not spare
    assert answer is None or (len(answer.left_out), answer.proven) == (0, True)
