"""The worst order that the audit computes is the worst there is: compared with trying every order's every moment."""

from itertools import chain, combinations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.room import best_selection

EARNERS, COSTS = ("a", "b", "c", "d"), ("w", "x", "y", "z")


def by_trying_all(earns: dict[str, int], needs: dict[str, frozenset[str]], costs: dict[str, int]) -> int:
    choices = chain.from_iterable(combinations(earns, size) for size in range(len(earns) + 1))
    return max(
        sum(earns[name] for name in chosen) - sum(costs[cost] for cost in frozenset().union(*(needs[name] for name in chosen)))
        for chosen in choices
    )


@given(
    st.fixed_dictionaries({name: st.integers(0, 9) for name in EARNERS}),
    st.fixed_dictionaries({name: st.frozensets(st.sampled_from(COSTS)) for name in EARNERS}),
    st.fixed_dictionaries({name: st.integers(0, 9) for name in COSTS}),
)
def test_the_worst_choice_of_arrivals_is_found(
    earns: dict[str, int], needs: dict[str, frozenset[str]], costs: dict[str, int]
) -> None:
    """Every subset of arrivals, with each departure it needs counted once."""
    assert best_selection(earns, needs, costs) == by_trying_all(earns, needs, costs)
