"""How a script is tried: one simulated host, what happens to it beforehand, and what the scripts answer and do there.

Each case (``script_cases.py``) runs bootstrap and scripts, interpreted, on one simulated host. Its transcript is plain data:
answers, errors, time slept, what happened to the fleet. ``script_answers.json`` holds those of the scripts as shipped.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from reconciler.clock import ManualClock
from reconciler.hosts.port import Operation, StartMigration, Survey, Value
from reconciler.hosts.winrm.bootstrap import bootstrap, script
from reconciler.hosts.winrm.frame import FrameError, Request, build_request, parse_frame
from reconciler.model.observation import Host, Observation, VirtualMachine
from reconciler.model.words import MigrationKind
from reconciler.simulator.fleets import load_fleet
from reconciler.simulator.powershell import NotInSubsetError, PowerShellError, run
from reconciler.simulator.powershell.console import GivenInput
from reconciler.simulator.powershell.failures import LoopBreak, LoopContinue, ScriptReturn
from reconciler.simulator.windows import WindowsHost, session_of
from reconciler.simulator.world import World
from tests.unit.winrm.script_windows import Alter, listening

ANSWERS = Path(__file__).with_name("script_answers.json")
Params = dict[str, Any]
Edit = Callable[[Observation], Observation]
Texts = Callable[[str], str]


def vm(number: int) -> str:
    """The id of a machine of the demo fleet."""
    return f"1a2b3c4d-0000-4000-8000-{number:012}"


@dataclass(frozen=True)
class Case:
    """Scripts that run one after the other on one host, after something has happened to the fleet.

    ``windows`` lets Windows answer otherwise; ``line`` cuts requests into lines of that length; ``last_is_spoilt``: the last
    request arrives as something that is no base64.
    """

    host: str
    calls: tuple[tuple[str, Params], ...]
    edit: Edit = lambda seen: seen
    before: Callable[[World], object] = lambda world: None
    meanwhile: Callable[[World, ManualClock], object] | None = None
    slow: float = 0.0
    cluster_service: str = "Running"
    windows: Alter = lambda session: None
    line: int | None = None
    last_is_spoilt: bool = False


class Watched:
    """The fleet as one script sees it: something may happen after its first look, and each look may take time."""

    def __init__(self, world: World, clock: ManualClock, case: Case) -> None:
        self.world, self._clock, self._case, self._looks, self._spent = world, clock, case, 0, 0.0

    def execute(self, host_name: str, operation: Operation) -> Value:
        value = self.world.execute(host_name, operation)
        if isinstance(operation, Survey):
            self._looks += 1
            if self._looks == 3 and self._case.meanwhile is not None:
                self._case.meanwhile(self.world, self._clock)
        return value

    def seconds(self) -> float:
        self._spent += self._case.slow
        return self.world.seconds() + self._spent

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)


class _Impatient(GivenInput):
    """Input that is not read for ever: a loop that never ends would keep its test."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads = 0

    def read_line(self) -> str | None:
        self._reads += 1
        if self._reads > 100:
            raise NotInSubsetError("a loop without an end")
        return super().read_line()


def transcript(case: Case, texts: Texts = script, loop: str | None = None) -> Any:
    """What the scripts of a case answer and do. ``texts`` and ``loop`` (the bootstrap) give what is run, if broken."""
    seen = case.edit(load_fleet("demo"))
    clock = ManualClock(seen.observed_at)
    world = World(seen, clock)
    case.before(world)
    begun = len(world.events)
    windows = WindowsHost(case.host, cast("Any", Watched(world, clock, case)), cluster_service=case.cluster_service)
    ops = [f"{number:032x}" for number in range(1, len(case.calls) + 1)]
    requests = [
        build_request(Request(op, name, texts(name), params)) for op, (name, params) in zip(ops, case.calls, strict=True)
    ]
    if case.last_is_spoilt:
        requests[-1] = b"(" + requests[-1]
    session = session_of(windows, _Impatient(b"".join(_in_lines(request, case.line) + b"\n" for request in requests)))
    slept, asked, heard = list[float](), list[Any](), bytearray()

    def flush() -> None:  # what nobody sends off stays with the process, and its client waits for it in vain
        heard.extend(session.stdout)
        session.stdout.clear()

    session.sleep, session.flush = slept.append, flush
    case.windows(session)
    listening(session, asked)
    ending = _ending(lambda: run(loop or bootstrap(), session))
    return {
        "answers": [_answer(bytes(heard), op) for op in ops],
        "asked": asked,
        "ending": ending,
        "complaints": [*session.failures, *session.progress],
        "slept": round(sum(slept), 3),
        "events": [
            json.loads(json.dumps([event.kind, event.vm, event.host, event.detail], default=str))
            for event in world.events[begun:]
        ],
        "after": _after(world, case),
    }


def _in_lines(request: bytes, length: int | None) -> bytes:
    length = length or len(request)
    return b"".join(request[start : start + length] + b"\n" for start in range(0, len(request), length))


def expected() -> dict[str, Any]:
    """The reviewed transcripts by case."""
    known: dict[str, Any] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return known


def _ending(work: Callable[[], list[Any]]) -> str:
    try:
        return " ".join(str(one) for one in work())
    except (LoopBreak, LoopContinue, ScriptReturn, PowerShellError, NotInSubsetError) as error:
        return f"{type(error).__name__}: {error}"


def _answer(stdout: bytes, op: str) -> Any:
    try:
        reply = parse_frame(stdout, op)
    except FrameError as problem:
        return str(problem)
    error = reply.error
    return reply.result if error is None else [error.id, error.code, error.category, error.message, error.target]


def _after(world: World, case: Case) -> Any:
    host = next(one for one in world.observation().hosts if one.name == case.host)
    roles = {machine.name: world.role_settings(case.host, machine.id) for machine in host.virtual_machines}
    return {
        "migration": host.migration.to_json(),
        "storage": host.storage.to_json(),
        "roles": {name: role for name, role in roles.items() if role is not None},
        "states": {machine.name: machine.state for machine in host.virtual_machines},
    }


def on_host(name: str, **facts: Any) -> Edit:
    """Change facts of one host."""
    return lambda seen: _with_host(seen, name, lambda host: host.model_copy(update=facts))


def on_machine(name: str, **facts: Any) -> Edit:
    """Change facts of one machine."""

    def change(host: Host) -> Host:
        machines = tuple(one.model_copy(update=facts) if one.name == name else one for one in host.virtual_machines)
        return host.model_copy(update={"virtual_machines": machines})

    return lambda seen: seen.model_copy(update={"hosts": tuple(change(host) for host in seen.hosts)})


def on_disk(machine: str, number: int, **facts: Any) -> Edit:
    """Change facts of one disk."""

    def change(one: VirtualMachine) -> VirtualMachine:
        disks = tuple(disk.model_copy(update=facts) if at == number else disk for at, disk in enumerate(one.disks))
        return one.model_copy(update={"disks": disks})

    def edit(seen: Observation) -> Observation:
        hosts = tuple(
            host.model_copy(
                update={"virtual_machines": tuple(change(one) if one.name == machine else one for one in host.virtual_machines)}
            )
            for host in seen.hosts
        )
        return seen.model_copy(update={"hosts": hosts})

    return edit


def _with_host(seen: Observation, name: str, change: Callable[[Host], Host]) -> Observation:
    return seen.model_copy(update={"hosts": tuple(change(host) if host.name == name else host for host in seen.hosts)})


def all_of(*edits: Edit) -> Edit:
    """Several changes, one after the other."""

    def edit(seen: Observation) -> Observation:
        for one in edits:
            seen = one(seen)
        return seen

    return edit


def migration(name: str, **facts: Any) -> Edit:
    """Change migration settings of one host."""
    return lambda seen: _with_host(
        seen, name, lambda host: host.model_copy(update={"migration": host.migration.model_copy(update=facts)})
    )


def moving(machine: int, kind: MigrationKind, destination: str | None) -> Callable[[World], object]:
    """Let a machine be on its way already."""

    def start(world: World) -> None:
        host = next(name for name in world.host_names if any(one.id == vm(machine) for one in world.machines_of(name)))
        world.execute(host, StartMigration(vm(machine), kind, destination))

    return start


def limit_of_cluster(number: int | None) -> Edit:
    """Change the limit of all clusters."""
    return lambda seen: seen.model_copy(
        update={"clusters": tuple(one.model_copy(update={"maximum_parallel_migrations": number}) for one in seen.clusters)}
    )
