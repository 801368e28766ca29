"""One view of the fleet for all planning stages: what is desired of a host beside what was observed of it.

Answers questions about hosts, clusters, volumes and limits. Decides nothing. None is unknown, here as everywhere.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from reconciler.model import desired as wanted
from reconciler.model import observation as seen
from reconciler.model import paths
from reconciler.model.announced import AnnouncedMove
from reconciler.model.desired import Desired
from reconciler.model.drift import Drift, MachineStatus
from reconciler.model.machine_files import files_of
from reconciler.model.observation import Observation
from reconciler.model.plan import SettingChange
from reconciler.model.words import Handling, HostStatus, PerformanceOption

LIVE_LIMIT = "migration.maximumVirtualMachineMigrations"
STORAGE_LIMIT = "migration.maximumStorageMigrations"
CLUSTER_LIMIT = "maximumParallelMigrations"
VolumeKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Room:
    """Free bytes of a volume, what must stay free taken off; None is not known."""

    key: VolumeKey
    bytes: int | None


class Fleet:
    """Desired state, observation and drift, seen as one fleet."""

    def __init__(
        self, desired: Desired, observation: Observation, drift: Drift, announced: Sequence[AnnouncedMove] = ()
    ) -> None:
        self.desired, self.observation, self.drift, self._announced = desired, observation, drift, announced
        self._rooms: dict[VolumeKey, int | None] = {}
        self._room_at: dict[tuple[str, str], Room] = {}
        self._limits: dict[str, int | None] = {}
        self._clusters: dict[str, str | None] = {}
        self._neighbours: dict[str, tuple[str, ...]] = {}
        self._answering: dict[str, seen.Host | None] = {}  # by every spelling that was asked for
        self._reached: dict[tuple[str, str], bool] = {}
        self._changes = {
            (settings.subject.casefold(), change.field): change
            for settings in drift.settings
            if settings.handling is Handling.CORRECT
            for change in settings.changes
        }

    def host(self, name: str) -> seen.Host | None:
        """Return what was observed of a host that answered in full, else None."""
        if name not in self._answering:
            host = self.observation.host(name)
            self._answering[name] = host if host is not None and host.status is HostStatus.OK else None
        return self._answering[name]

    def wanted(self, name: str) -> wanted.Host | None:
        """Return what is desired of a host."""
        return self.desired.host(name)

    @cached_property
    def host_names(self) -> tuple[str, ...]:
        """Every host that answered and that the desired state names, sorted."""
        names = (host.name for host in self.observation.hosts if self.host(host.name) and self.wanted(host.name))
        return tuple(sorted(names, key=str.casefold))

    def cluster_of(self, name: str) -> str | None:
        """Return the cluster of a host as observed, else as desired."""
        if name not in self._clusters:
            host, asked = self.observation.host(name), self.wanted(name)
            self._clusters[name] = (host.cluster if host else None) or (asked.cluster if asked else None)
        return self._clusters[name]

    def same_cluster(self, first: str, second: str) -> bool:
        """Tell whether two hosts are nodes of one cluster."""
        one, other = self.cluster_of(first), self.cluster_of(second)
        return one is not None and other is not None and one.casefold() == other.casefold()

    def neighbours(self, name: str) -> tuple[str, ...]:
        """Return where a machine without a placement may go from a host: its cluster, else its host group."""
        if (found := self._neighbours.get(name)) is None:
            found = self._neighbours[name] = self._find_neighbours(name)
        return found

    def _find_neighbours(self, name: str) -> tuple[str, ...]:
        if self.cluster_of(name) is not None:
            return tuple(other for other in self.host_names if self.same_cluster(other, name))
        asked = self.wanted(name)
        groups = {group.name: group.hosts for group in self.desired.host_groups}
        return groups.get(asked.host_group or "", ()) if asked else ()

    def topology(self, host: str, name: str) -> str | None:
        """Return the value of a topology ("host", "cluster" or a host label) at a host, or None where it has none."""
        if name == "host":
            return host.casefold()
        if name == "cluster":
            cluster = self.cluster_of(host)
            return cluster.casefold() if cluster else None
        asked = self.wanted(host)
        return asked.labels.get(name) if asked else None

    def change(self, host: str, field: str) -> SettingChange | None:
        """Return the change of a host's setting that this plan makes, if any."""
        if not self._changes:
            return None
        return self._changes.get((f"host/{host}".casefold(), field))

    def cluster_change(self, cluster: str | None, field: str) -> SettingChange | None:
        """Return the change of a cluster's setting that this plan makes, if any."""
        return self._changes.get((f"cluster/{cluster}".casefold(), field)) if cluster else None

    @property
    def changes_settings(self) -> bool:
        """Whether this plan changes any setting of a host or cluster."""
        return bool(self._changes)

    def memory_room(self, name: str) -> int | None:
        """Return MiB free for arrivals: less the reserve, less machines already on their way there. May be negative."""
        host, asked = self.host(name), self.wanted(name)
        if host is None or host.available_memory_mib is None:
            return None
        return host.available_memory_mib - (asked.reserve_memory_mib if asked else 0) - self._incoming.get(name.casefold(), 0)

    def host_at(self, name: str) -> str:
        """Return the name (case folded) of the host that a migration's destination is: hosts tell names or addresses."""
        return self._addresses.get(name.casefold(), name.casefold())

    @cached_property
    def _addresses(self) -> dict[str, str]:
        return {(host.address or host.name).casefold(): host.name.casefold() for host in self.observation.hosts}

    @cached_property
    def _incoming(self) -> dict[str, int]:
        machines = self.observation.sightings
        sums: dict[str, int] = {}
        for host in self.observation.hosts:
            for job in host.running_migrations:
                found = machines.get(job.virtual_machine.casefold())
                machine = found[-1][1] if found else None
                if job.destination and machine and not machine.is_off:
                    name = self.host_at(job.destination)
                    sums[name] = sums.get(name, 0) + (machine.memory_mib or 0)
        return sums

    @cached_property
    def leaving_memory(self) -> dict[str, int]:
        """MiB that machines on their way to where they belong will free, by source host (case folded)."""
        sums: dict[str, int] = {}
        for drift in self.drift.unsettled:
            away = drift.destination is not None and drift.host is not None and drift.destination != drift.host
            if drift.status is MachineStatus.MOVING and away and drift.observed and drift.host and not drift.observed.is_off:
                sums[drift.host.casefold()] = sums.get(drift.host.casefold(), 0) + (drift.observed.memory_mib or 0)
        return sums

    def volume_room(self, host: str, path: str) -> Room:
        """Return the volume that a path lies on, seen from a host, and the room there."""
        if (room := self._room_at.get((host, path))) is None:
            room = self._room_at[host, path] = self._volume_room(host, path)
            self._rooms.setdefault(room.key, room.bytes)
        return room

    def room_under(self, key: VolumeKey) -> int | None:
        """Return the room of a volume that was looked up before."""
        return self._rooms.get(key)

    def announced_files(self, machine: str) -> frozenset[tuple[str, str]]:
        """Return names and normalised paths of the files of a machine (VMId, case folded) as announced, in the end."""
        return self._announced_files.get(machine, frozenset())

    def promised_to_others(self, key: VolumeKey, machine: str) -> int:
        """Return the bytes that files of other machines were announced to take on a volume, and do not take yet."""
        return sum(size for other, size in self._promised.get(key, ()) if other != machine)

    @cached_property
    def _announced_files(self) -> dict[str, frozenset[tuple[str, str]]]:
        ends = {(one.machine, file): path for one in self._announced for file, path in sorted(one.files)}
        found: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for (machine, file), path in ends.items():
            found[machine].add((file, path))
        return {machine: frozenset(files) for machine, files in found.items()}

    @cached_property
    def _promised(self) -> dict[VolumeKey, list[tuple[str, int]]]:
        found: dict[VolumeKey, list[tuple[str, int]]] = defaultdict(list)
        ends = {one.machine: one.destination or one.source for one in self._announced if one.files}
        for machine, host in ends.items():
            for _, seen_machine in self.observation.sightings.get(machine, [])[:1]:
                files = files_of(seen_machine)
                there = {(one.file, paths.normal(one.path or "")) for one in files}
                sizes = {one.file: one.bytes for one in files}
                for name, path in sorted(self.announced_files(machine) - there):
                    found[self.volume_room(host, path).key].append((machine, sizes.get(name) or 0))
        return found

    def _volume_room(self, host: str, path: str) -> Room:
        key, volume = self._volume(host, path)
        if volume is None or volume.free_bytes is None:
            return Room(key, None)
        percent = self._reserve_percent.get(paths.volume_of(path), 0)
        if percent and volume.size_bytes is None:
            return Room(key, None)
        return Room(key, int(volume.free_bytes - (volume.size_bytes or 0) * percent / 100))

    def _volume(self, host: str, path: str) -> tuple[VolumeKey, seen.Volume | None]:
        root = paths.volume_of(path)
        cluster = self.cluster_of(host)
        if paths.is_smb(path):
            return ("share", "", root), self._shares.get(root)
        if paths.is_cluster_volume(path) and cluster is not None:
            observed = self.observation.cluster(cluster)
            return ("cluster", cluster.casefold(), root), _volume_for(observed.shared_volumes if observed else (), path)
        observed_host = self.observation.host(host)
        volume = _volume_for(observed_host.storage.volumes if observed_host else (), path)
        return ("host", host.casefold(), paths.normal(volume.path) if volume else root), volume

    @cached_property
    def _shares(self) -> dict[str, seen.Share]:
        return {paths.share_of(share.path) or paths.normal(share.path): share for share in self.observation.shares}

    @cached_property
    def _reserve_percent(self) -> dict[str, float]:
        percents: dict[str, float] = {}
        for location in self.desired.storage_locations:
            root = paths.volume_of(location.path)
            percents[root] = max(percents.get(root, 0), location.reserve_free_percent)
        return percents

    @cached_property
    def shares_in_use(self) -> dict[str, set[str]]:
        r"""The shares (``\\server\share``, normalised) that each host (case folded) is seen using."""
        used: dict[str, set[str]] = defaultdict(set)
        for root, hosts in self._share_users.items():
            for host in hosts:
                used[host].add(root)
        for observed in self.observation.hosts:
            files = (disk.path for machine in observed.virtual_machines for disk in machine.disks if disk.path)
            used[observed.name.casefold()].update(share for path in files if (share := paths.share_of(path)) is not None)
        return used

    def uses_share(self, host: str, share: str) -> bool:
        """Tell whether a host uses a share (normalised): one that it is seen using, or that is among its storage locations."""
        if (known := self._reached.get((host, share))) is None:
            known = self._reached[host, share] = self._uses_share(host, share)
        return known

    def _uses_share(self, host: str, share: str) -> bool:
        wanted, name = self.wanted(host), host.casefold()
        if any(paths.share_of(location) == share for location in (wanted.storage.locations if wanted else ())):
            return True
        # Who is listed with the share is known at once; the files of all machines are looked through only for the others.
        return name in self._share_users.get(share, ()) or share in self.shares_in_use.get(name, ())

    @cached_property
    def _share_users(self) -> dict[str, frozenset[str]]:
        shares = ((root, known) for root, known in self._shares.items() if root.startswith("\\\\"))
        return {root: frozenset(host.casefold() for host in known.hosts) for root, known in shares}

    def live_limit(self, name: str) -> int | None:
        """Return the effective limit of live migrations: the smallest known of desired, observed and the cluster's."""
        if name not in self._limits:
            self._limits[name] = self._live_limit(name)
        return self._limits[name]

    def _live_limit(self, name: str) -> int | None:
        host, asked = self.observation.host(name), self.wanted(name)
        cluster, asked_cluster = (of.cluster(self.cluster_of(name) or "") for of in (self.observation, self.desired))
        limits = [
            host.migration.maximum_virtual_machine_migrations if host else None,
            asked.migration.maximum_virtual_machine_migrations if asked else None,
            cluster.maximum_parallel_migrations if cluster else None,
            asked_cluster.maximum_parallel_migrations if asked_cluster else None,
        ]
        return min((limit for limit in limits if limit is not None), default=None)

    def live_limit_later(self, name: str) -> int | None:
        """Return ``live_limit`` as it will be once this plan's settings have been made, and seen."""
        cluster = self.cluster_of(name) or ""
        own, shared = self.change(name, LIVE_LIMIT), self.cluster_change(cluster, CLUSTER_LIMIT)
        if own is None and shared is None:
            return self.live_limit(name)
        host, known = self.observation.host(name), self.observation.cluster(cluster)
        limits = [
            own.target if own else host.migration.maximum_virtual_machine_migrations if host else None,
            shared.target if shared else known.maximum_parallel_migrations if known else None,
        ]
        return min((limit for limit in limits if isinstance(limit, int)), default=None)

    def storage_limit_later(self, name: str) -> int | None:
        """Return ``storage_limit`` as it will be once this plan's settings have been made, and seen."""
        own = self.change(name, STORAGE_LIMIT)
        return own.target if own and isinstance(own.target, int) else self.storage_limit(name)

    def storage_limit(self, name: str) -> int | None:
        """Return the effective limit of storage migrations: the smallest known of desired and observed."""
        host, asked = self.observation.host(name), self.wanted(name)
        limits = [
            host.migration.maximum_storage_migrations if host else None,
            asked.migration.maximum_storage_migrations if asked else None,
        ]
        return min((limit for limit in limits if limit is not None), default=None)

    def performance_option(self, host: str) -> PerformanceOption | None:
        """Return the option in force at a host once this plan's settings are made."""
        observed, asked = self.observation.host(host), self.wanted(host)
        change = self.change(host, "migration.performanceOption")
        if change is not None and asked is not None:
            return asked.migration.performance_option
        return observed.migration.performance_option if observed else None


def _volume_for(volumes: tuple[seen.Volume, ...], path: str) -> seen.Volume | None:
    """Return the volume with the longest matching root, so that a volume mounted in a folder wins over its drive."""
    matching = [volume for volume in volumes if paths.is_within(path, volume.path)]
    return max(matching, key=lambda volume: (len(paths.normal(volume.path)), volume.path), default=None)
