"""May this change be asked for, given all that the controller can know at this moment? One small rule for each invariant.

A rule returns the sentence that says what is wrong, or None. They are written from the invariants and share no code with
``plan``, ``audit`` or ``decide``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from reconciler.hosts.port import (
    AddClusterRole,
    ConfigureCluster,
    ConfigureHost,
    RemoveClusterRole,
    StartMachine,
    StartMigration,
)
from reconciler.model import desired as wanted
from reconciler.model.desired import Desired
from reconciler.model.words import HostStatus, MigrationKind
from reconciler.simulation.checker.knowledge import Change, Knowledge
from reconciler.simulation.checker.violation import Violation

LIVE_SLOT = (MigrationKind.LIVE, MigrationKind.LIVE_WITH_STORAGE, MigrationKind.OFFLINE)
STORAGE_SLOT = (MigrationKind.STORAGE, MigrationKind.LIVE_WITH_STORAGE)


@dataclass(frozen=True)
class Asked:
    """A change on its way to a host (by key), what is wanted at this time, and what the controller's clock shows."""

    host: str
    operation: Change
    desired: Desired
    known: Knowledge
    now: datetime

    @property
    def machine(self) -> str | None:
        """The VMId, or None for settings."""
        return None if isinstance(self.operation, (ConfigureHost, ConfigureCluster)) else self.operation.machine_id

    @property
    def wish(self) -> wanted.VirtualMachine | None:
        """What is wanted of the machine."""
        return next((one for one in self.desired.virtual_machines if one.id == self.machine), None)

    @property
    def ends(self) -> tuple[str, ...]:
        """The hosts concerned."""
        return self.known.ends(self.host, self.operation)


def judge_request(asked: Asked) -> None:
    """Raise ``Violation`` where the change must not be asked for now."""
    for invariant, rule in RULES:
        finding = rule(asked)
        if finding:
            raise Violation(invariant, f"{type(asked.operation).__name__} of {_subject(asked)} on {asked.host}: {finding}")


def _subject(asked: Asked) -> str:
    return asked.wish.name if asked.wish else asked.machine or "settings"


def _ends_answered(asked: Asked) -> str | None:
    for end in asked.ends:
        host = asked.known.host(end)
        if host is None or host.status is not HostStatus.OK:
            return f"{end} gave no full answer when it was looked at last"
    return None


def _ends_fresh(asked: Asked) -> str | None:
    limit = asked.desired.policy.maximum_age_seconds
    if isinstance(asked.operation, AddClusterRole):
        return None  # protection that is owed does not wait, and putting a role on twice does nothing
    for end in asked.ends:
        told = asked.known.told.get(end)
        if told is None:
            continue
        age = (asked.now - told.asked_at).total_seconds()
        if age > limit:
            return f"{end} was looked at {age:.0f} s ago, {limit:.0f} are allowed"
        changed = asked.known.changed_in_look.get(end)
        if changed is not None and changed < asked.known.look and told.look <= changed:
            return f"{end} was not looked at since the last change there"
    return None


def _intent_first(asked: Asked) -> str | None:
    wanted_key = asked.machine or _settings_subject(asked)
    return None if wanted_key in asked.known.intents else "no intent was written down since the last look"


def _settings_subject(asked: Asked) -> str:
    cluster = asked.known.cluster_of(asked.host)
    return f"cluster/{cluster}" if isinstance(asked.operation, ConfigureCluster) else f"host/{asked.host}"


def _one_mover(asked: Asked) -> str | None:
    machine = asked.machine
    if machine is None or isinstance(asked.operation, AddClusterRole):
        return None
    if machine in asked.known.moving():
        return "the machine is known to be on its way already"
    return None


def _seen_here_alone(asked: Asked) -> str | None:
    if asked.machine is None:
        return None
    seen = asked.known.sightings(asked.machine)
    if [key for key, _ in seen] != [asked.host]:
        return f"the machine was seen on {', '.join(sorted(key for key, _ in seen)) or 'no host'}"
    busy = seen[0][1].operation
    return f"the machine is busy: {busy}" if busy else None


def _slots(asked: Asked) -> str | None:
    if not isinstance(asked.operation, StartMigration):
        return None
    for end in asked.ends:
        for word, kinds in (("live", LIVE_SLOT), ("storage", STORAGE_SLOT)):
            if asked.operation.kind in kinds or (word == "storage" and _copies(asked.operation)):
                finding = _slot(asked, end, word)
                if finding:
                    return finding
    return None


def _copies(operation: StartMigration) -> bool:
    return operation.kind is not MigrationKind.LIVE and bool(operation.storage)


def _slot(asked: Asked, end: str, word: str) -> str | None:
    host = asked.known.host(end)
    if host is None:
        return None
    facts = host.migration
    told = facts.active_virtual_machine_migrations if word == "live" else facts.active_storage_migrations
    own = facts.maximum_virtual_machine_migrations if word == "live" else facts.maximum_storage_migrations
    kinds = LIVE_SLOT if word == "live" else STORAGE_SLOT
    starts = [one for one in _own_at(asked, end) if one.kind in kinds or (word == "storage" and _copies(one))]
    limits = [own, *_wanted_limits(asked, end, word)]
    limit = min((one for one in limits if one is not None), default=None)
    used = (told or 0) + len(starts)
    if limit is None or told is None:
        return f"{end} did not tell its {word} limit or use"
    return f"{end} would run {used + 1} {word} migrations, limit {limit}" if used + 1 > limit else None


def _own_at(asked: Asked, end: str) -> list[StartMigration]:
    since = asked.known.told[end].since
    return [one for _, one in since if isinstance(one, StartMigration) and one.machine_id not in asked.known.refused]


def _wanted_limits(asked: Asked, end: str, word: str) -> list[int | None]:
    wish = asked.desired.host(end)
    settings = wish.migration if wish else wanted.HostMigrationSettings()
    if word == "storage":
        return [settings.maximum_storage_migrations]
    cluster = asked.known.cluster(end)
    name = asked.known.cluster_of(end)
    asked_of_cluster = asked.desired.cluster(name) if name else None
    return [
        settings.maximum_virtual_machine_migrations,
        cluster.maximum_parallel_migrations if cluster else None,
        asked_of_cluster.maximum_parallel_migrations if asked_of_cluster else None,
    ]


def _fleet_limit(asked: Asked) -> str | None:
    if not isinstance(asked.operation, StartMigration):
        return None
    limit, running = asked.desired.policy.limits.concurrent_migrations, len(asked.known.moving())
    return f"{running + 1} migrations would run in the fleet, limit {limit}" if running + 1 > limit else None


def _unprotected_limit(asked: Asked) -> str | None:
    wish = asked.wish
    if not isinstance(asked.operation, RemoveClusterRole) or wish is None or wish.high_availability is not True:
        return None
    others = asked.known.owed_by(asked.desired) - {asked.machine}
    limit = asked.desired.policy.limits.unprotected_virtual_machines
    return f"{len(others)} machines lack their role already, limit {limit}" if len(others) >= limit else None


def _room(asked: Asked) -> str | None:
    operation = asked.operation
    if not isinstance(operation, StartMigration) or len(asked.ends) < 2:
        return None
    end = asked.ends[1]
    host, needed = asked.known.host(end), _memory(asked, operation.machine_id, operation.kind)
    if host is None or host.available_memory_mib is None or needed == 0:
        return None
    coming = sum(
        _memory(asked, machine, None)
        for machine, ways in asked.known.moving().items()
        if any(way_end == end and source != end for source, way_end in ways)
    )
    wish = asked.desired.host(end)
    free = host.available_memory_mib - (wish.reserve_memory_mib if wish else 0) - coming
    return f"{end} has {free} MiB beside reserve and arrivals, {needed} are needed" if needed > free else None


def _memory(asked: Asked, machine: str, kind: MigrationKind | None) -> int:
    seen = asked.known.sightings(machine)
    if not seen or kind is MigrationKind.OFFLINE or seen[0][1].is_off:
        return 0
    return seen[0][1].memory_mib or 0


def _apart(asked: Asked) -> str | None:
    wish = asked.wish
    if not isinstance(asked.operation, StartMigration) or len(asked.ends) < 2 or wish is None:
        return None
    ids = {one.name: one.id for one in asked.desired.virtual_machines}
    moving = asked.known.moving()
    for rule in asked.desired.placement_rules:
        for name in rule.virtual_machines if wish.name in rule.virtual_machines else ():
            mate = ids.get(name) or ""
            places = {key for key, _ in asked.known.sightings(mate)} | {end for way in moving.get(mate, ()) for end in way}
            if name != wish.name and asked.ends[1] in places:
                return f"{rule.name} keeps it off {asked.ends[1]} while {name} is there"
    return None


def _hands_off(asked: Asked) -> str | None:
    if asked.machine is None:
        return None
    wish = asked.wish
    if wish is None:
        return "nobody manages this machine"
    if asked.known.is_held_by_hand(asked.machine, asked.now) and not isinstance(asked.operation, AddClusterRole):
        return "it is held by hand"
    if wish.hold and (wish.hold.until is None or asked.now < wish.hold.until):
        return f"it is held by {wish.hold.owner}"
    return None if wish.drift == "correct" else f"its drift is set to {wish.drift.value}"


def _while_open(asked: Asked) -> str | None:
    if not isinstance(asked.operation, StartMigration) or in_window(asked.desired, asked.now):
        return None
    return f"no window is open at {asked.now.isoformat()}"


def in_window(desired: Desired, now: datetime) -> bool:
    """Tell whether migrations may start by the windows that are wanted; without any they always may."""
    windows = desired.policy.windows
    return not windows or any(_covers(window, now) for window in windows)


def _covers(window: wanted.Window, now: datetime) -> bool:
    """Tell by the wall clock of the window's zone alone: the day it opens on, and the hours after midnight of the next."""
    local = now.astimezone(ZoneInfo(window.time_zone))
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    minute = local.hour * 60 + local.minute
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (window.start, window.end))
    if start < end:
        return days[local.weekday()] in window.days and start <= minute < end
    before = days[(local.weekday() - 1) % 7]
    return (days[local.weekday()] in window.days and minute >= start) or (before in window.days and minute < end)


def _settings_unused(asked: Asked) -> str | None:
    if asked.machine is not None and not isinstance(asked.operation, StartMigration):
        return None
    changing = {
        end
        for told in asked.known.told.values()
        for host, one in told.since
        if isinstance(one, (ConfigureHost, ConfigureCluster))
        for end in asked.known.ends(host, one)
    }
    using = {end for ways in asked.known.moving().values() for way in ways for end in way}
    if isinstance(asked.operation, StartMigration):
        both = sorted(changing & set(asked.ends))
        return f"settings of {both[0]} were changed since the last look" if both else None
    both = sorted(using & set(asked.ends))
    return f"a migration uses the settings of {both[0]}" if both else None


def _open_host(asked: Asked) -> str | None:
    if not isinstance(asked.operation, StartMigration) or len(asked.ends) < 2:
        return None
    wish = asked.desired.host(asked.ends[1])
    if wish is None:
        return f"the desired state names no host {asked.ends[1]}"
    return f"{wish.name} is closed to arrivals" if wish.cordoned or wish.maintenance else None


def _start_allowed(asked: Asked) -> str | None:
    if not isinstance(asked.operation, StartMachine):
        return None
    may = asked.wish is not None and asked.wish.migration.when_off == "start"
    return None if may else "nobody asked for this machine to be started"


def _role_wanted(asked: Asked) -> str | None:
    wish = asked.wish
    if isinstance(asked.operation, AddClusterRole) and wish is not None and wish.high_availability is False:
        told = asked.known.told.get(asked.host)
        off = [one for _, one in told.since if isinstance(one, RemoveClusterRole)] if told else []
        back = any(one.machine_id == asked.machine for one in off)  # its move was refused, so all is as it was
        return None if back or asked.machine in asked.known.debts else "a role is put on that is not wanted"
    return None


def _settings_kept(asked: Asked) -> str | None:
    if not isinstance(asked.operation, RemoveClusterRole) or asked.machine in asked.known.roles_kept:
        return None
    return "what its role has set was not written down since the last look"


Rule = Callable[[Asked], str | None]
RULES: tuple[tuple[str, Rule], ...] = (
    ("S4", _ends_answered),
    ("S4", _ends_fresh),
    ("S11", _intent_first),
    ("S1", _one_mover),
    ("S6", _seen_here_alone),
    ("S2", _slots),
    ("S3", _fleet_limit),
    ("S3", _unprotected_limit),
    ("S5", _room),
    ("S5", _apart),
    ("S5", _open_host),
    ("S8", _hands_off),
    ("S8", _while_open),
    ("S12", _settings_unused),
    ("S6", _start_allowed),
    ("S7", _role_wanted),
    ("S7", _settings_kept),
)
