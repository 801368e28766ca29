"""Many lives, side by side on the machine's cores; each in a seed of its own, so their order changes nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context

from reconciler.collector import collector_at_rest
from reconciler.simulation.life import Result, live
from reconciler.simulation.options import draw_options


@dataclass
class Summary:
    """What many lives came to: how many, how much happened in them, and which broke an invariant."""

    lives: int = 0
    numbers: Counter[str] = field(default_factory=Counter)
    failed: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count one more life."""
        self.lives += 1
        self.numbers.update(result.numbers)
        if result.violation:
            self.failed.append(result)


@collector_at_rest()
def live_seed(seed: int) -> Result:
    """Live the life of one seed; the log is kept only where it is needed."""
    result = live(draw_options(seed))
    return result if result.violation else Result(result.options, None, [], result.digest, result.numbers)


def live_many(seeds: Iterable[int], processes: int = 1) -> Iterator[Result]:
    """Yield the results of these seeds, in their order."""
    if processes <= 1:
        yield from map(live_seed, seeds)
        return
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(live_seed, seeds)


def summary_lines(summary: Summary) -> list[str]:
    """Return what many lives came to, for people: counts first, then each broken invariant."""
    numbers = summary.numbers
    years, killed = numbers["days"] / 365, f"{numbers['kills']:.0f} killed"
    return [
        f"{summary.lives} lives of {numbers['days']:.0f} simulated days in all ({years:.1f} years of fleet life)",
        f"{numbers['runs']:.0f} controller processes, {killed}; {numbers['boundaries']:.0f} crash points passed",
        f"{numbers['changes']:.0f} changes asked for, {numbers['events']:.0f} happenings in the fleet",
        f"{len(summary.failed)} lives broke an invariant",
    ]
