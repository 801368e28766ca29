"""The values that pass between planning stages: refusals, routes, moves. Nothing here is published."""

from dataclasses import dataclass, field, replace

from reconciler.model import paths
from reconciler.model.drift import MachineDrift
from reconciler.model.machine_files import CHECKPOINTS, CONFIGURATION, SMART_PAGING
from reconciler.model.observation import VirtualMachine
from reconciler.model.plan import Blocked, StorageMove
from reconciler.model.words import Action

SPACE = "space"
LIVE_ACTIONS = frozenset({Action.LIVE_MIGRATION, Action.LIVE_MIGRATION_WITH_STORAGE})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a machine cannot go to a host, or cannot move at all. ``reason`` is what hosts are counted by."""

    reason: str
    code: str
    finding: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Route:
    """How a machine gets to a host. ``destination`` None: the host stays. ``needs`` are settings subjects first.

    ``in_two``: the files move before the machine does, each in a step of its own.
    """

    destination: str | None
    action: Action
    storage: tuple[StorageMove, ...] = ()
    needs: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    starts: bool = False
    in_two: bool = False

    @property
    def migrations(self) -> int:
        """How many migrations this counts as: live with storage is one of each."""
        return 2 if self.in_two or self.action is Action.LIVE_MIGRATION_WITH_STORAGE else 1

    @property
    def parts(self) -> tuple["Route", ...]:
        """The route as the steps it takes: itself, or the files first and then the machine without them."""
        if not self.in_two:
            return (self,)
        alone = Action.OFFLINE_MIGRATION if self.action is Action.OFFLINE_MIGRATION else Action.LIVE_MIGRATION
        files = replace(self, destination=None, action=Action.STORAGE_MIGRATION, needs=(), starts=False, in_two=False)
        return files, replace(self, action=alone, storage=(), unverified=self._of_machine, in_two=False)

    @property
    def _of_machine(self) -> tuple[str, ...]:
        return tuple(name for name in self.unverified if name != SPACE)

    @property
    def copied_bytes(self) -> int:
        """Disk bytes copied, as far as sizes are known."""
        return sum(move.bytes or 0 for move in self.storage)


@dataclass(frozen=True, slots=True)
class Move:
    """One migration of one machine, ready to be put in order. ``machine`` is as it will be just before.

    ``least``: how many migrations it takes at least, wherever it may go instead.
    """

    drift: MachineDrift
    machine: VirtualMachine
    source: str
    route: Route
    reason: str
    bypass: bool = False
    least: int = 1
    id: str = field(init=False, repr=False, compare=False)
    target: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """``id``: the VMId, case folded; ``target``: the host on which the machine stands afterwards. Asked for a lot."""
        object.__setattr__(self, "id", self.machine.id.casefold())
        object.__setattr__(self, "target", self.route.destination or self.source)

    @property
    def parts(self) -> tuple["Move", ...]:
        """The move as the steps it takes, each a move of its own; usually itself."""
        return tuple(replace(self, route=part) for part in self.route.parts) if self.route.in_two else (self,)

    @property
    def changes_host(self) -> bool:
        """Whether the machine goes to another host."""
        return self.route.destination is not None

    @property
    def memory_mib(self) -> int:
        """MiB it holds at both ends while on the way; a stopped machine holds none."""
        holds = self.changes_host and (self.route.action in LIVE_ACTIONS)
        return (self.machine.memory_mib or 0) if holds else 0


@dataclass(frozen=True, slots=True)
class Placed:
    """A move in a safe sequence, with the earlier moves (by index) it must wait for, and why."""

    move: Move
    waits_for: dict[int, str] = field(default_factory=dict)


def after(move: Move) -> VirtualMachine:
    """Return the machine as it will be once the move has ended: files where they were sent, started if it was."""
    targets = {(one.file, paths.normal(one.source)): one.target for one in move.route.storage}
    machine = move.machine

    def root(name: str, path: str | None) -> str | None:
        return targets.get((name, paths.normal(path)), path) if path else path

    disks = tuple(
        disk.model_copy(update={"path": targets.get((paths.file_of(disk.path), paths.normal(disk.path)), disk.path)})
        if disk.path
        else disk
        for disk in machine.disks
    )
    changes = {
        "configuration_path": root(CONFIGURATION, machine.configuration_path),
        "checkpoint_path": root(CHECKPOINTS, machine.checkpoint_path),
        "smart_paging_path": root(SMART_PAGING, machine.smart_paging_path),
        "disks": disks,
        "state": "Running" if move.route.starts else machine.state,
    }
    return machine.model_copy(update=changes)


def as_blocked(
    drift: MachineDrift,
    refusal: Refusal,
    counts: dict[str, int] | None = None,
    field: str = "placement",
    proven: bool = True,
) -> Blocked:
    """Return the published form of a refusal; ``field`` is the field that asked for the move."""
    return Blocked(
        subject=drift.subject,
        id=drift.observed.id if drift.observed else drift.machine.id,
        code=refusal.code,
        finding=refusal.finding,
        remedy=refusal.remedy,
        counts=counts or {},
        because=str(drift.machine.source.of(field)),
        proven=proven,
    )


def renewed(move: Move, **changes: object) -> Move:
    """Return a copy of a move with other values."""
    return replace(move, **changes)  # type: ignore[arg-type]
