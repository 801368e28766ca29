"""Where the controller can die: before and after every durable write and every remote call, counted through a life."""

from collections.abc import Callable


class Killed(BaseException):
    """The controller is no more; nothing in the program may catch this."""


class CrashPoints:
    """Counts the boundaries that a life passes, by their names, and kills where it is told to."""

    def __init__(self) -> None:
        self.passed, self.names = 0, list[str]()
        self.dies: Callable[[int], bool] = lambda _number: False

    def pass_by(self, name: str) -> None:
        """Go past a boundary, or die there."""
        self.passed += 1
        self.names.append(name)
        if self.dies(self.passed):
            raise Killed(name)
