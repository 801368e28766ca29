"""Two identities for one fleet: whoever looks cannot change, because the account that may change is not even loaded."""

from collections.abc import Sequence
from itertools import groupby

from reconciler.hosts.port import Answer, Call, Failure, FailureKind, Hosts
from reconciler.hosts.winrm.operations import script_of


class TwoIdentities:
    """Asks with the reading identity and changes with the writing one; without that, a change is refused here."""

    def __init__(self, reading: Hosts, writing: Hosts | None) -> None:
        self._reading, self._writing = reading, writing

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Carry out the calls, each as whom its operation needs; a change and a question of one host keep their order."""
        answers: list[Answer] = []
        for changes, part in groupby(calls, key=lambda call: script_of(call.operation).changes):
            answers += self._ask(list(part), changes=changes)
        return answers

    def close(self) -> None:
        """Give back what is held on hosts, by both."""
        self._reading.close()
        if self._writing is not None and self._writing is not self._reading:
            self._writing.close()

    def _ask(self, calls: list[Call], *, changes: bool) -> list[Answer]:
        hosts = self._writing if changes else self._reading
        return hosts.ask(calls) if hosts is not None else [Answer(call, failure=_READS_ONLY) for call in calls]


_READS_ONLY = Failure(
    FailureKind.REFUSED, "this command only reads, and holds no identity that may change anything", "use reconciler apply"
)
