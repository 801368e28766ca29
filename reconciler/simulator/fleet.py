"""The simulated fleet behind the program's seam to hosts, in process: the fast way, without WinRM in between.

Refusals and silence become the same failures that the WinRM adapter makes of them. Nothing travels, so nothing is ever lost
on the way; for that, the endpoints serve the same world over WS-Man.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.hosts.port import Answer, Call, Failure, FailureKind, HostReport, Target, Value
from reconciler.simulator import refusal
from reconciler.simulator.refusal import HostUnreachable, Refused
from reconciler.simulator.world import World

REMEDIES = {
    refusal.NOT_FOUND: "observe again: the machine is on another host by now",
    refusal.NOT_MIGRATABLE: "remove what ties the machine to its host, or place it elsewhere",
    refusal.LIMIT_REACHED: "nothing to do: it is tried again when a migration ends",
    refusal.DISABLED: "enable live migration on the host (spec.migration.enabled)",
    refusal.NO_ROOM: "free memory or disk space there, or place the machine elsewhere",
    refusal.BUSY: "wait until the other operation has ended",
    refusal.JOB_GONE: "observe again: the migration has ended",
    refusal.NOT_A_NODE: "place highly available machines on cluster nodes",
    refusal.FILE_CLASH: "give each machine a folder of its own",
}


class SimulatedHosts:
    """The ``Hosts`` of a world. ``names`` maps the controller's names of hosts to computer names, where they differ."""

    def __init__(self, world: World, names: Mapping[str, str] | None = None) -> None:
        self._world = world
        self._names = {name.casefold(): computer for name, computer in (names or {}).items()}
        self._computers = {name.casefold() for name in world.host_names}
        self._lock = threading.Lock()

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Carry out the calls one after another; answers come in the order of calls."""
        with self._lock:
            return [self._answer(call) for call in calls]

    def close(self) -> None:
        """Nothing is held."""

    def _answer(self, call: Call) -> Answer:
        try:
            value = self._world.execute(self._computer(call.target), call.operation)
        except HostUnreachable:
            finding, remedy = f"{call.target.address} does not answer", "check that the host runs and that WinRM is reachable"
            return Answer(call, failure=Failure(FailureKind.UNREACHABLE, finding, remedy))
        except Refused as refused:
            return Answer(call, failure=_failure(refused))
        return Answer(call, value=_renamed(value, call.target))

    def _computer(self, target: Target) -> str:
        mapped = self._names.get(target.name.casefold())
        return mapped or (target.name if target.name.casefold() in self._computers else target.address)


def _failure(refused: Refused) -> Failure:
    kind = FailureKind.LIMIT if refused.error_id == refusal.LIMIT_REACHED else FailureKind.REFUSED
    remedy = REMEDIES.get(refused.error_id, "read the host's message and correct what it names")
    return Failure(kind, refused.message, remedy, code=refused.error_id)


def _renamed(value: Value, target: Target) -> Value:
    """A controller knows a host by its own name for it, whatever the computer calls itself."""
    if not isinstance(value, HostReport):
        return value
    if (value.host.name, value.host.address) == (target.name, target.address):
        return value
    host = value.host.model_copy(update={"name": target.name, "address": target.address})
    shares = (share.model_copy(update={"hosts": (target.name,)}) for share in value.shares)
    return replace(value, host=host, shares=tuple(shares))
