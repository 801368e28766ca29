"""Combined migrations taken in two where the policy likes that and it saves time: the files first, then the machine alone.

It counts the same, one of each. A combined migration holds live slots at both hosts for as long as its files are copied; in two
the copy holds only storage slots, at the source, and the machine is on its way for no longer than its memory takes.
"""

from collections.abc import Callable
from dataclasses import replace

from reconciler.plan.fleet import Fleet
from reconciler.plan.hops import files_may_go_first, may_be_split
from reconciler.plan.moves import Placed, renewed

MOST = 12  # moves that are weighed one by one; of more, all are split or none
WORTH_SECONDS = 1  # what a split has to save


def with_splits(fleet: Fleet, sequence: list[Placed], seconds: Callable[[list[Placed]], float]) -> list[Placed]:
    """Return the sequence with those moves taken in two that save time; ``seconds`` is how long a sequence takes.

    The order stays as it is: whoever waited for the move waits for its last part, so it is as safe as before.
    """
    if not fleet.desired.policy.planning.split_combined_migrations:
        return sequence
    places = [place for place, placed in enumerate(sequence) if _may_go_in_two(fleet, placed)]
    best, least = sequence, seconds(sequence) if places else 0.0
    for chosen in [places, *([place] for place in places[:MOST] if len(places) > 1)]:
        for tried in (_split(sequence, chosen), _split(best, chosen)):
            if tried != best and (needed := seconds(tried)) < least - WORTH_SECONDS:
                best, least = tried, needed
    return best


def _may_go_in_two(fleet: Fleet, placed: Placed) -> bool:
    move = placed.move
    return may_be_split(move) and not move.route.starts and files_may_go_first(fleet, move)


def _split(sequence: list[Placed], places: list[int]) -> list[Placed]:
    chosen = set(places)
    return [
        replace(placed, move=renewed(placed.move, route=replace(placed.move.route, in_two=True)))
        if place in chosen and not placed.move.route.in_two
        else placed
        for place, placed in enumerate(sequence)
    ]
