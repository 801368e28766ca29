"""The fleet of a life: drawn once, as an observation to boot from. Hosts are stand-alone or in clusters of two to four.

Every machine fits where it is. Room that is left, limits of hosts and sizes of files differ from seed to seed.
"""

import random

from reconciler.model.observation import Host, Observation, VirtualMachine
from reconciler.simulation.options import Options
from reconciler.simulation.streams import Streams
from reconciler.simulator.generate import make_fleet

STANDBY_MIB = 32 * 1024


def draw_fleet(options: Options, streams: Streams) -> Observation:
    """Return the fleet of these options; every host reaches every share."""
    rng = streams.of("fleet")
    made = make_fleet(options.hosts, options.machines_per_host, rng.getrandbits(32))
    limits = {cluster.name: rng.randint(1, 3) for cluster in made.clusters}
    hosts = tuple(_host(host, options.tightness, limits, rng) for host in made.hosts)
    hosts = _with_standby_nodes(hosts) if "standby-nodes" in options.traits else hosts
    names = tuple(host.name for host in hosts)
    shares = tuple(share.model_copy(update={"hosts": names}) for share in made.shares)
    clusters = tuple(one.model_copy(update={"maximum_parallel_migrations": limits[one.name]}) for one in made.clusters)
    return made.model_copy(update={"hosts": hosts, "shares": shares, "clusters": clusters})


def _with_standby_nodes(hosts: tuple[Host, ...]) -> tuple[Host, ...]:
    """Give the first node of each cluster room for a few machines more, as fleets have it that survive the loss of a node."""
    first = {host.cluster: host.name for host in reversed(hosts) if host.cluster}.values()
    return tuple(_roomier(host) if host.name in first else host for host in hosts)


def _roomier(host: Host) -> Host:
    changes = {
        "memory_mib": (host.memory_mib or 0) + STANDBY_MIB,
        "available_memory_mib": (host.available_memory_mib or 0) + STANDBY_MIB,
    }
    return host.model_copy(update=changes)


def _host(host: Host, tightness: float, limits: dict[str, int], rng: random.Random) -> Host:
    machines = tuple(_machine(machine, rng) for machine in host.virtual_machines)
    used = sum(machine.memory_mib or 0 for machine in machines)
    largest = max((machine.memory_mib or 0 for machine in machines), default=0)
    memory = 1024 * round(max(used * tightness, used + largest / 2, 8192) / 1024)
    running = sum(machine.memory_mib or 0 for machine in machines if machine.is_running)
    facts = {
        "maximum_virtual_machine_migrations": limits.get(host.cluster or "", rng.randint(1, 3)),
        "maximum_storage_migrations": rng.randint(1, 3),
    }
    changes = {
        "virtual_machines": machines,
        "memory_mib": memory,
        "available_memory_mib": memory - running,
        "migration": host.migration.model_copy(update=facts),
    }
    return host.model_copy(update=changes)


def _machine(machine: VirtualMachine, rng: random.Random) -> VirtualMachine:
    divisor = rng.choice((4, 8, 16))
    disks = tuple(disk.model_copy(update={"file_bytes": (disk.file_bytes or 0) // divisor}) for disk in machine.disks)
    return machine.model_copy(update={"disks": disks})
