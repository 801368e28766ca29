"""Documents as values: a copy is a new value in every respect."""

from tests.builders import a_fleet, a_host


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
