"""What people commit in a life: a desired state that changes bit by bit, drawn with a count of room so that it can be met.

``Wishes`` holds what is wanted now; each kind of commit is a method that changes it and says so in a sentence.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from reconciler.model import desired as wanted
from reconciler.model import observation as seen
from reconciler.model import paths
from reconciler.model.desired import Desired, Hold, Placement, PlacementRule, Policy, Source, StoragePlacement
from reconciler.model.observation import Observation
from reconciler.model.problem import Place
from reconciler.model.words import Enforcement, Handling, PerformanceOption, RuleType, WhenOff
from reconciler.simulation import awkward


@dataclass
class Wish:
    """What is wanted of one machine; ``folder`` None leaves its files where they are."""

    name: str
    id: str
    memory_mib: int
    host: str
    flexible: bool
    folder: str | None = None
    high_availability: bool | None = None
    hold: Hold | None = None
    drift: Handling = Handling.CORRECT
    when_off: WhenOff = WhenOff.MOVE
    priority: int = 50


@dataclass
class HostWish:
    """What is wanted of one host."""

    name: str
    address: str
    cluster: str | None
    memory_mib: int
    cordoned: bool = False
    maintenance: bool = False
    reserve_mib: int = 0
    live: int | None = None
    storage: int | None = None
    option: PerformanceOption | None = None


Commit = Callable[[random.Random, datetime], str]


@dataclass
class Wishes:
    """The desired state as it is being edited."""

    machines: dict[str, Wish]
    hosts: dict[str, HostWish]
    shares: tuple[str, ...]
    policy: Policy = field(default_factory=Policy)
    rules: dict[str, tuple[str, ...]] = field(default_factory=dict)
    cluster_limits: dict[str, int] = field(default_factory=dict)
    unmanaged: dict[str, int] = field(default_factory=dict)
    revision: int = 0
    moved: tuple[str, ...] = ()
    """The machines (VMIds) that the last commit sends elsewhere."""
    focus: tuple[str, ...] = ()
    """The hosts that it sends them from and to."""
    traits: frozenset[str] = frozenset()
    rushed: str = ""
    """The host that the last commit sent many machines to at once, if it did."""
    urgent: bool = False
    """Whether whoever committed last does not wait for an ``apply`` to end."""
    _loaded: Desired | None = None

    def committed(self) -> Desired:
        """Return what is wanted now, as loading a commit would; made once for each commit."""
        if self._loaded is None or self._loaded.revision != f"commit-{self.revision}":
            self._loaded = self._load()
        return self._loaded

    def _load(self) -> Desired:
        hosts = tuple(self._host(host) for _, host in sorted(self.hosts.items()))
        machines = tuple(self._machine(wish) for _, wish in sorted(self.machines.items()))
        names = sorted({host.cluster for host in self.hosts.values() if host.cluster})
        clusters = tuple(
            wanted.Cluster(name, _source(name), name, self.cluster_limits.get(name), self.nodes(name)) for name in names
        )
        rules = tuple(
            PlacementRule(name, _source(name), RuleType.ANTI_AFFINITY, members, enforcement=Enforcement.REQUIRED)
            for name, members in sorted(self.rules.items())
        )
        parts = (hosts, machines, clusters, rules, self.policy)
        return Desired(
            digest="sha256:" + sha256(repr(parts).encode()).hexdigest(),
            revision=f"commit-{self.revision}",
            hosts=hosts,
            clusters=clusters,
            virtual_machines=machines,
            placement_rules=rules,
            policy=self.policy,
        )

    def nodes(self, cluster: str) -> tuple[str, ...]:
        """Return the hosts of a cluster."""
        return tuple(sorted(host.name for host in self.hosts.values() if host.cluster == cluster))

    def _host(self, host: HostWish) -> wanted.Host:
        settings = wanted.HostMigrationSettings(
            maximum_virtual_machine_migrations=host.live,
            maximum_storage_migrations=host.storage,
            performance_option=host.option,
        )
        return wanted.Host(
            host.name,
            _source(host.name),
            host.address,
            cluster=host.cluster,
            cordoned=host.cordoned,
            maintenance=host.maintenance,
            reserve_memory_mib=host.reserve_mib,
            migration=settings,
        )

    def _machine(self, wish: Wish) -> wanted.VirtualMachine:
        cluster = self.hosts[wish.host].cluster
        placement = Placement("host", (wish.host,))
        if wish.flexible and cluster:
            placement = Placement("cluster", self.nodes(cluster), cluster=cluster)
        return wanted.VirtualMachine(
            wish.name,
            _source(wish.name),
            id=wish.id,
            placement=placement,
            storage=StoragePlacement(path=wish.folder),
            high_availability=wish.high_availability,
            migration=wanted.VirtualMachineMigration(when_off=wish.when_off, priority=wish.priority),
            drift=wish.drift,
            hold=wish.hold,
        )

    # -- room and rules, counted over what is wanted

    def fits(self, wish: Wish, host: HostWish, besides: frozenset[str] = frozenset()) -> bool:
        """Tell whether the machine may be wanted on the host, with room for it whatever runs and every rule kept."""
        if host.cordoned or host.maintenance:
            return False
        there = self._wanted_on(host, besides | {wish.name})
        if wish.memory_mib > self.room(host, besides | {wish.name}):
            return False
        mates = {name for members in self.rules.values() if wish.name in members for name in members}
        return not any(one.name in mates for one in there)

    def room(self, host: HostWish, besides: frozenset[str] = frozenset()) -> int:
        """Return the MiB that are left on a host when everybody is where they are wanted, beside its reserve."""
        used = sum(one.memory_mib for one in self._wanted_on(host, besides)) + self.unmanaged.get(host.name, 0)
        return host.memory_mib - host.reserve_mib - used

    def _wanted_on(self, host: HostWish, besides: frozenset[str]) -> list[Wish]:
        return [one for one in self.machines.values() if one.host == host.name and one.name not in besides]

    # -- commits

    def commit(self, rng: random.Random, now: datetime, follows: bool = False) -> str:
        """Change something, as somebody would; return what, in a sentence. ``follows``: while the last change is under way."""
        self.revision += 1
        kinds = self._second_thoughts() if follows else self._kinds()
        if not follows:
            self.focus = ()
        under_way, rushed = self.moved, self.rushed
        self.moved, self.rushed, self.urgent = (), "", False
        if follows and rushed:
            return awkward.squeeze_after_rush(self, rushed, under_way, rng, now)
        more = awkward.second_thoughts(self, under_way) if follows else awkward.kinds(self)
        return rng.choice((*kinds, *more))(rng, now)

    def move_on(self, rng: random.Random, without: str) -> str:
        """Send machines elsewhere, none from or to that host."""
        self.revision += 1
        self.moved = ()
        if "returning-machines" in self.traits:
            return awkward.cross(self, rng, None, without)
        return self._move(rng, None, without, most=3)

    def _second_thoughts(self) -> tuple["Commit", ...]:
        """What people change about the very hosts and machines that are on their way."""
        return (
            self._squeeze,
            self._squeeze,
            self._limits,
            self.gather,
            self._fleet_limits,
            self._hold_some,
            self._move,
            self._maintenance,
        )

    def _kinds(self) -> tuple["Commit", ...]:
        return (
            *(self._move,) * 6,
            self.gather,
            self.gather,
            self._swap,
            self._files,
            self._hold,
            self._maintenance,
            self._cordon,
            self._limits,
            self._limits,
            self._fleet_limits,
            self._rule,
            self._protection,
            self._handling,
        )

    def _move(self, rng: random.Random, _: datetime | None, without: str = "", most: int = 9) -> str:
        moved = []
        for _number in range(min(most, rng.choice((1, 2, 3, 6, 9)))):
            wish = self._free(rng)
            hosts = [host for _, host in sorted(self.hosts.items()) if host.name != without]
            fitting = [host for host in hosts if wish and host.name != wish.host and self.fits(wish, host)]
            if wish and fitting and wish.host != without:
                self.send(wish, rng.choice(fitting), rng)
                moved.append(f"{wish.name} to {wish.host}")
        return f"move {', '.join(moved) or 'nothing'}"

    def gather(self, rng: random.Random, _: datetime, host: HostWish | None = None) -> str:
        """Send several machines to one host, which has fewer slots than there are machines."""
        host = host or self._some_host(rng)
        moved: list[str] = []
        for _number in range(12):
            wish = self._free(rng)
            if wish and wish.host != host.name and len(moved) < 5 and self.fits(wish, host):
                self.send(wish, host, rng)
                moved.append(wish.name)
        return f"gather {', '.join(moved) or 'nothing'} on {host.name}"

    def _some_host(self, rng: random.Random) -> HostWish:
        """A host: one that the last commit is about, most of the time, where this one follows it."""
        chosen, at_random = rng.random(), rng.choice(sorted(self.hosts))
        return self.hosts[rng.choice(self.focus) if self.focus and chosen < 0.8 else at_random]

    def _swap(self, rng: random.Random, _: datetime) -> str:
        one, two = self._free(rng), self._free(rng)
        if one is None or two is None:
            return "swap nothing"
        pair = frozenset({one.name, two.name})
        here, there = self.hosts[one.host], self.hosts[two.host]
        if here is there or not (self.fits(one, there, pair) and self.fits(two, here, pair)):
            return "swap nothing"
        mates = {name for members in self.rules.values() if one.name in members for name in members}
        if two.name in mates:
            return "swap nothing"
        self.send(one, there, rng)
        self.send(two, here, rng)
        return f"swap {one.name} and {two.name}"

    def send(self, wish: Wish, host: HostWish, rng: random.Random) -> None:
        """Want a machine on another host, with what that asks of its files and its high availability."""
        source = self.hosts[wish.host]
        self.moved = (*self.moved, wish.id)
        self.focus = (*self.focus, source.name, host.name)
        wish.flexible = host.cluster is not None and rng.random() < 0.3 and not self._is_in_a_rule(wish)
        wish.host = host.name
        if host.cluster and host.cluster == source.cluster:
            return
        wish.folder = self._folder(wish, host, rng)
        if host.cluster:
            wish.high_availability = rng.random() < 0.85
        else:
            wish.high_availability = False if source.cluster or wish.high_availability is None else wish.high_availability

    def _is_in_a_rule(self, wish: Wish) -> bool:
        return any(wish.name in members for members in self.rules.values())

    def _folder(self, wish: Wish, host: HostWish, rng: random.Random) -> str:
        local = rf"C:\ClusterStorage\{host.cluster}" if host.cluster else r"D:\VMs"
        return paths.join(rng.choice((local, *self.shares)), wish.name)

    def _files(self, rng: random.Random, _: datetime) -> str:
        wish = self._any(rng)
        wish.folder = paths.join(self._folder(wish, self.hosts[wish.host], rng), rng.choice(("a", "b")))
        return f"files of {wish.name} to {wish.folder}"

    def _hold(self, rng: random.Random, now: datetime) -> str:
        wish = self._any(rng)
        until = now + timedelta(hours=rng.choice((1, 5, 30))) if rng.random() < 0.7 else None
        wish.hold = None if wish.hold else Hold("an audit", "ann", until)
        return f"hold of {wish.name}: {wish.hold is not None}"

    def _hold_some(self, rng: random.Random, now: datetime) -> str:
        """Hold some machines that are wanted on the hosts in question, or let them go."""
        there = [one for _, one in sorted(self.machines.items()) if one.host in self.focus]
        held = rng.sample(there, min(len(there), 3))
        for wish in held:
            hours = rng.choice((1, 5, None))
            wish.hold = None if wish.hold else Hold("an audit", "ann", now + timedelta(hours=hours) if hours else None)
        return f"hold of {', '.join(one.name for one in held) or 'nothing'}"

    def _handling(self, rng: random.Random, _: datetime) -> str:
        wish = self._any(rng)
        wish.drift = Handling.CORRECT if wish.drift is not Handling.CORRECT else rng.choice((Handling.REPORT, Handling.HOLD))
        return f"drift of {wish.name}: {wish.drift}"

    def _maintenance(self, rng: random.Random, _: datetime) -> str:
        closed = [host for _, host in sorted(self.hosts.items()) if host.maintenance]
        if closed:
            rng.choice(closed).maintenance = False
            return "end of maintenance"
        host = self._some_host(rng)
        staying = [wish for _, wish in sorted(self.machines.items()) if wish.host == host.name]
        host.maintenance = True
        for wish in staying:
            if not self._elsewhere(wish, host, rng):
                host.maintenance = False
                return "maintenance of nothing"
        return f"maintenance of {host.name}"

    def _elsewhere(self, wish: Wish, host: HostWish, rng: random.Random) -> bool:
        near = [one for _, one in sorted(self.hosts.items()) if one.cluster == host.cluster and one is not host]
        fitting = [one for one in near if self.fits(wish, one)]
        if not fitting or wish.hold or wish.drift is not Handling.CORRECT:
            return False
        self.send(wish, rng.choice(fitting), rng)
        return True

    def _cordon(self, rng: random.Random, _: datetime) -> str:
        host = rng.choice([host for _, host in sorted(self.hosts.items())])
        host.cordoned = not host.cordoned and not host.maintenance
        return f"cordon of {host.name}: {host.cordoned}"

    def _limits(self, rng: random.Random, _: datetime) -> str:
        host = self._some_host(rng)
        self.focus = (*self.focus, host.name)
        if host.cluster:
            self.cluster_limits[host.cluster] = rng.randint(1, 4)
        else:
            host.live = rng.choice((None, 1, 1, 2, 4))
        host.storage, host.option = rng.choice((None, 1, 1, 2, 4)), rng.choice((None, *PerformanceOption))
        return f"limits of {host.name}; {self._stir(host, rng)}"

    def _squeeze(self, rng: random.Random, now: datetime) -> str:
        """Allow one migration at a time where some may be under way, and send more machines there."""
        host = self._some_host(rng)
        host.storage = 1
        if host.cluster:
            self.cluster_limits[host.cluster] = 1
        else:
            host.live = 1
        self.focus = (*self.focus, host.name)
        chosen = rng.random()
        return f"squeeze {host.name}; {self._stir(host, rng) if chosen < 0.5 else self.gather(rng, now, host)}"

    def _stir(self, host: HostWish, rng: random.Random) -> str:
        """Move machines to and from a host in the same commit, so that what else changed there is in use."""
        moved: list[str] = []
        for wish in [one for _, one in sorted(self.machines.items()) if one.drift is Handling.CORRECT and not one.hold]:
            others = [one for _, one in sorted(self.hosts.items()) if one is not host]
            near = others if wish.host == host.name else [host] if rng.random() < 0.1 else []
            fitting = [one for one in near if self.fits(wish, one)]
            if fitting and len(moved) < 4:
                self.send(wish, rng.choice(fitting), rng)
                moved.append(f"{wish.name} to {wish.host}")
        return f"move {', '.join(moved) or 'nothing'}"

    def _fleet_limits(self, rng: random.Random, _: datetime) -> str:
        limits = wanted.Limits(rng.choice((1, 2, 4, 50)), rng.choice((1, 1, 2, 3)))
        self.policy = replace(self.policy, limits=limits)
        return f"fleet limits {limits.concurrent_migrations}, {limits.unprotected_virtual_machines}"

    def _rule(self, rng: random.Random, _: datetime) -> str:
        if self.rules and rng.random() < 0.4:
            gone = rng.choice(sorted(self.rules))
            del self.rules[gone]
            return f"no more {gone}"
        return self.add_rule(rng)

    def add_rule(self, rng: random.Random) -> str:
        """Keep two or three machines apart that are wanted apart already; a flexible one is pinned for it."""
        members: list[Wish] = []
        for _ in range(8):
            wish = self._any(rng)
            if wish.host not in {one.host for one in members} and len(members) < 3:
                members.append(wish)
        for wish in members:
            wish.flexible = False
        name = f"apart-{self.revision}-{len(self.rules)}"
        if len(members) > 1:
            self.rules[name] = tuple(sorted(wish.name for wish in members))
        return f"rule {name}"

    def _protection(self, rng: random.Random, _: datetime) -> str:
        wish = self._any(rng)
        if self.hosts[wish.host].cluster and wish.folder is None:
            wish.high_availability = rng.choice((True, True, False))
        return f"protection of {wish.name}: {wish.high_availability}"

    def _free(self, rng: random.Random) -> Wish | None:
        """A machine that would be moved if another host were wanted for it."""
        free = [one for _, one in sorted(self.machines.items()) if one.drift is Handling.CORRECT and not one.hold]
        return rng.choice(free) if free else None

    def _any(self, rng: random.Random) -> Wish:
        return self.machines[rng.choice(sorted(self.machines))]


def first_wishes(fleet: Observation, rng: random.Random, rules: int, windows: bool, traits: tuple[str, ...] = ()) -> Wishes:
    """Return a desired state that the fleet meets as it is; about one machine in ten is nobody's."""
    hosts = {host.name: _host_wish(host, rng) for host in fleet.hosts}
    wishes = Wishes({}, hosts, tuple(share.path for share in fleet.shares), traits=frozenset(traits))
    for host, machine in fleet.machines():
        if rng.random() < 0.1:
            wishes.unmanaged[host.name] = wishes.unmanaged.get(host.name, 0) + (machine.memory_mib or 0)
        else:
            wishes.machines[machine.name] = _wish(host, machine, rng)
    for _ in range(rules):
        wishes.add_rule(rng)
    spans = [wanted.Window(days, start, end, zone) for days, start, end, zone in _SOME_WINDOWS]
    limits = wanted.Limits(rng.choice((2, 8, 50)), rng.choice((1, 2)))
    wishes.policy = Policy(limits=limits, windows=(rng.choice(spans),) if windows else ())
    return wishes


_SOME_WINDOWS = (
    (("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), "20:00", "06:00", "Europe/Berlin"),
    (("Mon", "Tue", "Wed", "Thu", "Fri"), "08:00", "17:30", "America/New_York"),
    (("Tue", "Thu", "Sat", "Sun"), "19:00", "24:00", "Asia/Kolkata"),
    (("Sat", "Sun"), "00:00", "24:00", "Australia/Sydney"),
)


def _host_wish(host: seen.Host, rng: random.Random) -> HostWish:
    used = sum(machine.memory_mib or 0 for machine in host.virtual_machines)
    reserve = rng.choice((0, 0, 1024))
    spare = (host.memory_mib or 0) - used
    wish = HostWish(host.name, host.address or host.name, host.cluster, host.memory_mib or 0)
    wish.reserve_mib = min(reserve, max(0, spare))
    return wish


def _wish(host: seen.Host, machine: seen.VirtualMachine, rng: random.Random) -> Wish:
    wish = Wish(machine.name, machine.id, machine.memory_mib or 0, host.name, host.cluster is not None and rng.random() < 0.3)
    wish.high_availability = rng.choice((None, True)) if host.cluster else None
    wish.when_off = rng.choice((WhenOff.MOVE, WhenOff.MOVE, WhenOff.START))
    wish.priority = rng.choice((50, 50, 90))
    return wish


def _source(name: str) -> Source:
    return Source(Place(f"desired-state/{name}.yaml", 1))
