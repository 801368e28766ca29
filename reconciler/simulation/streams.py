"""Randomness by purpose: every name has a generator of its own, so that drawing more for one purpose changes no other."""

import random


class Streams:
    """Generators drawn from one seed, by name; the same on every machine, whatever the hash seed."""

    def __init__(self, seed: int) -> None:
        self._seed, self._made = seed, dict[str, random.Random]()

    def of(self, *name: str) -> random.Random:
        """Return the generator of that name; always the same one."""
        key = "/".join(name)
        if key not in self._made:
            self._made[key] = random.Random(f"{self._seed}/{key}")
        return self._made[key]
