"""A broken invariant. It ends the life at once, and nothing in the program under test may catch it."""


class Violation(BaseException):
    """An invariant, by its number in docs/simulation.md ("S2"), with the sentence that says how it was broken."""

    def __init__(self, invariant: str, finding: str) -> None:
        super().__init__(f"{invariant}: {finding}")
        self.invariant, self.finding = invariant, finding
