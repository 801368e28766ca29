"""Deterministic simulation of fleet life: the production passes on a simulated fleet, virtual time, one thread, one seed.

``options`` draws what a seed lives through, ``life`` lets it happen, ``checker`` judges every step of it without asking the
code under test, ``shrink`` makes a failing life small, ``campaign`` lives many. The same seed gives the same log.
"""

from reconciler.simulation.campaign import Summary, live_many, summary_lines
from reconciler.simulation.life import Result, live
from reconciler.simulation.options import FAULTS, TRAITS, Options, draw_options
from reconciler.simulation.shrink import shrink

__all__ = ["FAULTS", "TRAITS", "Options", "Result", "Summary", "draw_options", "live", "live_many", "shrink", "summary_lines"]
