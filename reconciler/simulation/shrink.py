"""Making a failing life small: fewer faults, fewer days, fewer machines, as long as the same invariant still breaks."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from reconciler.simulation.life import live
from reconciler.simulation.options import Options

Lives = Callable[[Options], str | None]


def shrink(options: Options, lives: Lives | None = None, most: int = 60) -> Options:
    """Return the smallest options found, in at most ``most`` lives, that break the invariant these break."""
    lives = lives or _invariant_broken
    broken = lives(options)
    if broken is None:
        return options
    smaller = True
    while smaller and most > 0:
        smaller = False
        for candidate in _smaller(options):
            most -= 1
            if most >= 0 and lives(candidate) == broken:
                options, smaller = candidate, True
                break
    return options


def _smaller(options: Options) -> Iterator[Options]:
    """Yield simpler lives, the boldest cuts first."""
    half = len(options.faults) // 2
    if half:
        yield replace(options, faults=options.faults[half:])
        yield replace(options, faults=options.faults[:half])
    for fault in options.faults:
        yield replace(options, faults=tuple(one for one in options.faults if one != fault))
    for trait in options.traits:
        yield replace(options, traits=tuple(one for one in options.traits if one != trait))
    if options.days > 0.5:
        yield replace(options, days=options.days / 2)
    for name in ("commits", "acts", "rules"):
        if getattr(options, name) > 1:
            yield replace(options, **{name: getattr(options, name) // 2})
    if options.hosts > 4:
        yield replace(options, hosts=max(4, options.hosts // 2))
    if options.machines_per_host > 1:
        yield replace(options, machines_per_host=1)
    if options.windows or options.dead_host:
        yield replace(options, windows=False, dead_host=False)


def _invariant_broken(options: Options) -> str | None:
    violation = live(options).violation
    return violation[0] if violation else None
