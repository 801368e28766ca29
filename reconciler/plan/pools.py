"""Room as something that is handed on: what an arrival takes, and which departures it must therefore wait for.

Every unit of room is free now or will be given by one earlier move. Whoever takes a unit waits for its giver, and no unit
is taken twice; so any order that respects the waits keeps within the room. That is the whole proof of safety.
"""

from dataclasses import dataclass

NOW = -1  # the giver of room that is free now


@dataclass(frozen=True, slots=True)
class Pool:
    """Room of one host or volume. ``tokens`` are (giver, amount); None: the room is not known and not limited.

    ``debt`` is by how much the place is over its limit already; ``payers`` are the moves that paid it off.
    """

    tokens: tuple[tuple[int, int], ...] | None
    debt: int = 0
    payers: tuple[int, ...] = ()

    @classmethod
    def of(cls, room: int | None) -> "Pool":
        """Return the pool of a place with that much room; below zero it takes nobody until others have left."""
        if room is None:
            return cls(None)
        return cls(((NOW, room),) if room > 0 else (), debt=max(0, -room))

    def fits(self, amount: int) -> bool:
        """Tell whether an arrival of that size could be taken in, after all moves placed so far."""
        if amount == 0 or self.tokens is None:
            return True
        return sum(size for _, size in self.tokens) >= amount  # with a debt there are no tokens

    def take(self, amount: int) -> tuple["Pool", tuple[int, ...], int]:
        """Return the pool afterwards, the givers to wait for, and how much was not free at once."""
        if amount == 0 or self.tokens is None:
            return self, (), 0
        left, givers, rest, lacking = amount, list(self.payers), [], 0
        for giver, size in self.tokens:
            used = min(left, size)
            left -= used
            if used and giver != NOW:
                givers.append(giver)
                lacking += used
            if size > used:
                rest.append((giver, size - used))
        return Pool(tuple(rest), self.debt, self.payers), tuple(givers), lacking

    def give(self, amount: int, giver: int) -> "Pool":
        """Return the pool after a departure; what it gives pays off a debt first."""
        if amount == 0 or self.tokens is None:
            return self
        paid = min(self.debt, amount)
        payers = (*self.payers, giver) if paid and giver != NOW else self.payers
        tokens = (*self.tokens, (giver, amount - paid)) if amount > paid else self.tokens
        return Pool(tokens, self.debt - paid, payers)
