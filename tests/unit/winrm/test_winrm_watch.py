"""The one thread that cuts what takes too long."""

import threading

from reconciler.hosts.winrm.watch import Watch


def test_work_that_takes_too_long_is_cut_and_work_in_time_is_not() -> None:
    """The shorter limit strikes first although it was set later; what has ended in time is never touched."""
    watch, struck, hung = Watch(), list[str](), threading.Event()
    with watch.limit(60, lambda: struck.append("long")):
        with watch.limit(0.01, hung.set):
            assert hung.wait(10)
        with watch.limit(30, lambda: struck.append("in time")):
            pass

    assert struck == []


def test_a_limit_that_fails_does_not_take_the_others_with_it() -> None:
    """The thread lives on, and comes again after a time without work."""
    watch, hung = Watch(), threading.Event()

    def fail() -> None:
        raise OSError

    for _ in range(2):
        hung.clear()
        with watch.limit(0.0, fail), watch.limit(0.01, hung.set):
            assert hung.wait(10)
