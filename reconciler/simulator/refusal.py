"""How the simulated fleet says no: as a Windows host would, with one of the error ids that our scripts use.

A refusal changes nothing. Out of reach is not a refusal: a host that cannot be reached says nothing at all.
"""

NOT_FOUND = "reconciler.machine-not-found"
NOT_MIGRATABLE = "reconciler.not-migratable"
LIMIT_REACHED = "reconciler.limit-reached"
DISABLED = "reconciler.migration-disabled"
NO_ROOM = "reconciler.no-room"
BUSY = "reconciler.busy"
JOB_GONE = "reconciler.not-found"
NOT_A_NODE = "reconciler.not-a-cluster-node"
FILE_CLASH = "reconciler.file-clash"
OTHER = "reconciler.refused"


class Refused(Exception):  # noqa: N818 - an answer of the host, not an error of ours
    """The host refuses: ``error_id`` is one of ours, ``code`` Windows' own number as text if it has one."""

    def __init__(self, error_id: str, code: str | None, message: str) -> None:
        super().__init__(f"{error_id}: {message}")
        self.error_id, self.code, self.message = error_id, code, message


class HostUnreachable(Exception):  # noqa: N818 - likewise
    """The host gives no answer; ``host`` is the name that was asked for."""

    def __init__(self, host: str) -> None:
        super().__init__(f"no answer from {host}")
        self.host = host
