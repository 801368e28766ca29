"""What a controller that starts again knows of the failures before it: as much as it is asked to."""

import pytest

from reconciler.controller import Options
from reconciler.model.host_failures import Cause
from tests.scenarios.test_jobs import Engine


@pytest.mark.parametrize("done_since", [False, True], ids=["failed last", "done since"])
def test_a_service_takes_up_back_off_where_it_was_and_an_apply_tries_again(done_since: bool) -> None:
    """The same wait, cause and words as the controller had that died; what was done since is forgiven."""
    engine = Engine("stand-alone", Options(attempts=None))
    ((_, machine),) = engine.world.observation().machines()
    engine.world.fail_next_migration(machine.id, 0x8007000E, "not enough memory")
    engine.one_pass()
    engine.one_pass(after=60)
    died_with = engine.controller.starter.memory
    assert died_with.attempts[machine.id.casefold()].cause is Cause.NO_ROOM
    if done_since:
        engine.one_pass(after=60)
        engine.one_pass(after=3600)
        died_with = engine.controller.starter.memory
        assert not died_with.attempts

    again = type(engine.controller)(engine.hosts, engine.store, engine.clock, engine.watcher, Options(remember_failures=True))
    assert again.starter.memory.attempts == died_with.attempts
    assert again.starter.memory.failures == died_with.failures

    afresh = type(engine.controller)(engine.hosts, engine.store, engine.clock, engine.watcher, Options())
    assert not afresh.starter.memory.attempts
