"""Rules for which step goes first where several could start: the portfolio that the timetable is chosen from.

Each is a list of ranks, one per step, the lowest first. None is best everywhere: long chains want to begin early, crowded hosts
want never to stand idle, and small changes of a good rule now and then beat it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator

from reconciler.model.plan import Step
from reconciler.plan.bounds import Limits

Ranks = list[tuple[float, int]]
FEW, MANY = 400, 4000  # steps up to which all rules are tried, and beyond which only two
VARIANTS = 12  # small changes that are tried on plans of few steps
WEIGHTS = (0.5, 1.0, 2.0)  # how much the crowd at a step's hosts counts beside the chain behind it


def rankings(steps: list[Step], slots: Limits) -> Iterator[Ranks]:
    """Yield rules, the most promising first; fewer of them the longer the plan is."""
    in_turn: Ranks = [(0.0, index) for index in range(len(steps))]
    longest: Ranks = [(-step.estimated_seconds, index) for index, step in enumerate(steps)]
    if len(steps) > MANY:
        yield from (longest, in_turn)
        return
    yield from (in_turn, longest)
    tails, crowds = chains(steps), _crowds(steps, slots)
    for weight in WEIGHTS:
        yield [(-tail - weight * crowd, index) for index, (tail, crowd) in enumerate(zip(tails, crowds, strict=True))]
    yield [(-crowd, index) for index, crowd in enumerate(crowds)]
    for variant in range(VARIANTS if len(steps) <= FEW else 0):
        changed = zip(steps, tails, crowds, strict=True)
        yield [(-(tail + crowd) * _shake(variant, step.id), index) for index, (step, tail, crowd) in enumerate(changed)]


def chains(steps: list[Step]) -> list[float]:
    """Return the seconds of the longest chain of dependent steps that begins with each."""
    index_of = {step.id: index for index, step in enumerate(steps)}
    tails = [step.estimated_seconds for step in steps]
    for index in range(len(steps) - 1, -1, -1):
        for one in steps[index].depends_on:
            before = index_of[one]
            tails[before] = max(tails[before], steps[before].estimated_seconds + tails[index])
    return tails


def _crowds(steps: list[Step], slots: Limits) -> list[float]:
    """Seconds of work for each slot of the most crowded limit that a step falls under."""
    keys = [slots.of(step) for step in steps]
    loads: dict[tuple[str, ...], float] = defaultdict(float)
    for step, own in zip(steps, keys, strict=True):
        for key in own:
            loads[key] += step.estimated_seconds / slots.limit(key)
    return [max((loads[key] for key in own if key != ("fleet",)), default=0.0) for own in keys]


def _shake(variant: int, name: str) -> float:
    """A factor near one, drawn from a name: the same on every machine."""
    return 0.8 + 0.4 * hashlib.sha256(f"{variant} {name}".encode()).digest()[0] / 255
