"""What people are told: one message for one outage, none for a flicker, and always that it is over."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.cycle import think
from reconciler.model.observation import Observation
from reconciler.model.status import FleetStatus, SourceStatus
from reconciler.model.words import HostStatus
from reconciler.notices import Incident, Key, Message, Settings, Told, incidents_of, tell
from reconciler.status import Facts, fleet_status
from tests.builders import OBSERVED_AT, a_fleet, a_host, a_vm, desired, desired_vm

MINUTE = timedelta(minutes=1)
SETTINGS = Settings(settle=MINUTE, settle_drift=15 * MINUTE, repeat=60 * MINUTE)
WANTED = desired(*(desired_vm(f"vm{n}", f"Host{n}") for n in (1, 2, 3)))


def a_status(seen: Observation, before: FleetStatus | None = None, **source: object) -> FleetStatus:
    thought = think(WANTED, seen)
    shown = SourceStatus(location="git").model_copy(update=source)
    return fleet_status(Facts(seen.observed_at, WANTED, seen, thought.drift, thought.plan, shown), before, None)


def hosts(*silent: int) -> Observation:
    return a_fleet(
        *(
            a_host(f"Host{n}", status=HostStatus.UNREACHABLE, problem="no answer")
            if n in silent
            else a_host(f"Host{n}", a_vm(f"vm{n}"))
            for n in (1, 2, 3)
        )
    )


def test_a_fleet_in_order_is_no_incident() -> None:
    assert incidents_of(a_status(hosts())) == ()


def test_hosts_that_fall_silent_together_are_one_incident_with_the_machines_behind_them() -> None:
    (incident,) = incidents_of(a_status(hosts(1, 2), a_status(hosts())))

    assert incident.key == Key("hosts-unknown")
    assert incident.headline == "2 hosts cannot be seen, and 2 machines with them"
    assert incident.objects == ("host/Host1", "host/Host2", "virtualMachine/vm1", "virtualMachine/vm2")


def test_a_refused_desired_state_says_which_and_why() -> None:
    (incident,) = incidents_of(a_status(hosts(), refused="abcdef0123456789", problems=("a.yaml:1:1: bad",)))

    assert incident.headline == "Desired state refused: revision abcdef012345 is not followed"
    assert incident.detail == "a.yaml:1:1: bad"


# -- when


def an_incident(*objects: str, cause: str = "hosts-unknown") -> Incident:
    return Incident(Key(cause), "headline", "detail", objects or ("host/Host1",))


def play(*looks: tuple[int, list[Incident]]) -> list[tuple[int, str]]:
    """Return (minute, kind) of each message when these incidents are seen at these minutes."""
    told, sent = Told(), list[tuple[int, str]]()
    for minute, incidents in looks:
        messages, told = tell(incidents, told, OBSERVED_AT + minute * MINUTE, SETTINGS)
        sent += [(minute, message.kind) for message in messages]
    return sent


def test_one_outage_is_one_message_and_one_when_it_is_over() -> None:
    down = [an_incident()]

    assert play((0, down), (1, down), (2, down), (90, down), (91, [])) == [(1, "opened"), (91, "recovered")]


def test_a_flicker_is_not_told_at_all() -> None:
    assert play((0, [an_incident()]), (0, []), (5, [])) == []


def test_drift_is_told_only_where_mending_it_takes_too_long() -> None:
    drift = [an_incident(cause="drifted")]

    assert play((0, drift), (5, drift), (15, drift)) == [(15, "opened")]


def test_an_incident_that_grows_is_told_again_but_not_at_every_look() -> None:
    one, two = [an_incident("a")], [an_incident("a", "b")]

    assert play((0, one), (1, one), (2, two), (61, two), (62, two)) == [(1, "opened"), (61, "grown")]


@given(st.lists(st.sampled_from([0, 1, 2, 3]), max_size=60))
def test_whatever_comes_and_goes_messages_of_one_incident_begin_and_end_in_turn(shown: list[int]) -> None:
    """Never two openings without an end between them, never an end without an opening, and never more than looks."""
    told, kinds = Told(), list[str]()
    for minute, number in enumerate(shown):
        incidents = [an_incident(*(f"host/{n}" for n in range(number)))] if number else []
        messages, told = tell(incidents, told, at(minute), SETTINGS)
        kinds += [message.kind for message in messages if message.kind != "grown"]

    assert kinds[::2] == ["opened"] * len(kinds[::2])
    assert kinds[1::2] == ["recovered"] * len(kinds[1::2])


def test_a_long_list_is_cut_with_its_count() -> None:
    crowd = an_incident(*(f"host/{n:02}" for n in range(25)))
    _, told = tell([crowd], Told(), at(0), SETTINGS)
    messages: tuple[Message, ...]
    messages, _ = tell([crowd], told, at(1), SETTINGS)

    assert messages[0].body.splitlines()[-1] == "- and 5 more"


def at(minute: int) -> datetime:
    return OBSERVED_AT + minute * MINUTE
