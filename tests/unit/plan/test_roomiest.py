"""The order of hosts by room, mended after each change, is the one that sorting would give."""

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.plan.roomiest import HostList, Rooms

NAMES = ("Host1", "host2", "HOST3", "Host4", "host5")
CHANGES = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(-3, 3), st.booleans()), max_size=40)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([None, 0, 1, 2, 3]), min_size=5, max_size=5), CHANGES, st.sets(st.sampled_from(NAMES)))
def test_the_order_is_that_of_sorting(rooms: list[int | None], changes: list[tuple[str, int, bool]], closed: set[str]) -> None:
    """Whatever was taken and given since anybody looked; closed hosts are not among them, and unknown room is none."""
    room = Rooms(dict(zip(NAMES, rooms, strict=True)))
    hosts = HostList((*NAMES, "nowhere"), room, frozenset(closed))
    for name, mib, look in changes:
        room.add(name, mib)
        if look:
            hosts.ranked()

    names = [name for name in (*NAMES, "nowhere") if name not in closed]
    assert hosts.ranked() == sorted((-(room.get(name) or 0), name.casefold(), name) for name in names)


def test_a_machine_stays_home_only_where_there_is_no_other_host() -> None:
    """Its own host counts among those to choose from where it is the only one."""
    rooms = Rooms({})
    assert HostList(("Host1", "Host2", "HOST2"), rooms, frozenset()).without("host1") == 1
    assert HostList(("Host1",), rooms, frozenset()).without("host1") == 1
    assert HostList(("Host2", "Host3"), rooms, frozenset()).without("host1") == 2
