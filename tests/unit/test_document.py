"""Documents as values: a copy is a new value in every respect."""

from tests.builders import a_fleet, a_host, a_vm


def test_a_changed_copy_of_an_observation_knows_its_own_hosts() -> None:
    """What the original looked up before is not carried over."""
    fleet = a_fleet(a_host("Host1"))
    assert fleet.host("Host2") is None
    before = fleet.digest
    other = fleet.model_copy(update={"hosts": (a_host("Host2"),)})
    assert other.host("Host2") is not None
    assert other.host("Host1") is None
    assert other.digest != before
    assert fleet.digest == before


def test_whatever_was_seen_of_a_host_is_in_the_digest_of_the_fleet() -> None:
    """Hosts keep a digest each; one that was seen otherwise has another, and so has a fleet with its hosts in another order."""
    first, second = a_host("Host1", a_vm("vm1")), a_host("Host2")
    fleet = a_fleet(first, second)
    started = first.model_copy(update={"virtual_machines": (a_vm("vm1", state="Off"),)})
    others = [a_fleet(started, second), a_fleet(second, first), a_fleet(first)]
    assert len({one.digest for one in (fleet, *others)}) == 4
    assert a_fleet(first.model_copy(), second.model_copy()).digest == fleet.digest
