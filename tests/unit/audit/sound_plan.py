"""One sound plan made by hand, with most of what a plan can hold, as plain data that a test may spoil in one place.

Fleet: H1 to H4 stand alone on one share, N1 and N2 are cluster C1, M1 is cluster C2. Machines are named after what happens
to them. H2 has migration disabled and room for one arrival more only after ``leaver`` has left.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from reconciler.model import desired as wanted
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.problem import Place
from reconciler.model.words import RuleType, WhenOff

GIB = 1024**3
SHARE, OTHER = r"\\fs1.contoso.com\vms", r"\\fs2.contoso.com\data"
SOURCE = wanted.Source(Place("fleet.yaml", 1))
SEEN_AT = "2026-11-22T10:00:00Z"
MOVE_BYTES = 4096 * 1024 * 1024


def a_host(name: str, *machines: dict[str, Any], **facts: Any) -> dict[str, Any]:
    settings = {"enabled": True, "maximumVirtualMachineMigrations": 2, "maximumStorageMigrations": 2}
    return {
        "name": name,
        "address": f"{name}.contoso.com",
        "supportedConfigurationVersions": ["9.0", "10.0"],
        "processorVendor": "GenuineIntel",
        "availableMemoryMiB": 20480,
        "switches": ["Prod"],
        "migration": settings
        | {"activeVirtualMachineMigrations": 0, "activeStorageMigrations": 0, "performanceOption": "TCPIP"},
        "storage": {"volumes": [{"path": "D:\\", "sizeBytes": 1000 * GIB, "freeBytes": 500 * GIB}]},
        "virtualMachines": list(machines),
        "migrations": [],
    } | facts


def a_machine(name: str, folder: str = SHARE, **facts: Any) -> dict[str, Any]:
    home = f"{folder}\\{name}"
    return {
        "id": f"id-{name}",
        "name": name,
        "state": "Running",
        "memoryMiB": 4096,
        "configurationVersion": "9.0",
        "highlyAvailable": False,
        "switches": ["Prod"],
        "configurationPath": home,
        "checkpointPath": home,
        "smartPagingPath": home,
        "disks": [{"path": f"{home}\\os.vhdx", "fileBytes": 10 * GIB, "sizeBytes": 60 * GIB}],
    } | facts


def an_observation() -> dict[str, Any]:
    h1 = a_host("H1", a_machine("comer"), a_machine("starter", state="Off"), a_machine("stopped", state="Off"))
    h2 = a_host("H2", a_machine("leaver"), availableMemoryMiB=2048)
    h2["migration"]["enabled"] = False
    h3 = a_host("H3", a_machine("copied"), a_machine("carried", "D:\\VMs"), a_machine("resting"))
    n1 = a_host("N1", a_machine("crosser", highlyAvailable=True), cluster="C1")
    clusters = [{"name": name, "maximumParallelMigrations": 2} for name in ("C1", "C2")]
    names = ["H1", "H2", "H3", "H4", "N1", "N2", "M1"]
    space = {"sizeBytes": 1000 * GIB, "freeBytes": 100 * GIB, "hosts": names}
    return {
        "observedAt": SEEN_AT,
        "clusters": clusters,
        "hosts": [h1, h2, h3, a_host("H4"), n1, a_host("N2", cluster="C1"), a_host("M1", cluster="C2")],
        "shares": [{"path": SHARE, **space}, {"path": OTHER, **space}],
    }


def hosts() -> dict[str, wanted.Host]:
    clusters = {"N1": "C1", "N2": "C1", "M1": "C2"}
    found = {
        name: wanted.Host(name, SOURCE, name, {"rack": f"r-{name}"}, "All", clusters.get(name))
        for name in ("H1", "H2", "H3", "H4", "N1", "N2", "M1")
    }
    settings = wanted.HostMigrationSettings(enabled=True)
    return found | {"H2": wanted.Host("H2", SOURCE, "H2", {"rack": "r-H2"}, "All", migration=settings)}


def machines() -> dict[str, wanted.VirtualMachine]:
    places = {"comer": "H2", "leaver": "H4", "starter": "H4", "stopped": "H3", "copied": "H3", "carried": "H4", "crosser": "M1"}
    storage = {"copied": f"{OTHER}\\copied", "carried": f"{OTHER}\\carried"}
    start = wanted.VirtualMachineMigration(when_off=WhenOff.START)
    limit = wanted.VirtualMachineMigration(maximum_unprotected_seconds=60)
    return {
        name: wanted.VirtualMachine(
            name,
            SOURCE,
            placement=wanted.Placement("host", (places.get(name, "H3"),)),
            storage=wanted.StoragePlacement(path=storage.get(name)),
            high_availability=True if name == "crosser" else None,
            migration={"starter": start, "crosser": limit}.get(name, wanted.VirtualMachineMigration()),
        )
        for name in (*places, "resting")
    }


def a_step(number: int, action: str, name: str, source: str, destination: str | None, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"s{number}",
        "action": action,
        "virtualMachine": {"id": f"id-{name}", "name": name},
        "source": source,
        "destination": destination,
        "dependsOn": [],
        "estimatedStartSeconds": 0,
        "estimatedSeconds": 10,
        "bytes": MOVE_BYTES,
    } | fields


def moved(name: str, source: str) -> list[dict[str, Any]]:
    """The disk and the folders of a machine, on their way to the other share."""
    old, new = f"{source}\\{name}", f"{OTHER}\\{name}"
    disk = {"file": "os.vhdx", "from": f"{old}\\os.vhdx", "to": f"{new}\\Virtual Hard Disks\\os.vhdx", "bytes": 10 * GIB}
    return [disk] + [{"file": word, "from": old, "to": new} for word in ("configuration", "checkpoints", "smartPaging")]


def steps() -> list[dict[str, Any]]:
    enable = {"field": "migration.enabled", "from": False, "to": True}
    return [
        {"id": "s1", "action": "configureHost", "host": "H2", "settings": [enable], "estimatedSeconds": 5},
        a_step(2, "liveMigration", "leaver", "H2", "H4", dependsOn=["s1"], estimatedStartSeconds=5),
        a_step(3, "liveMigration", "comer", "H1", "H2", dependsOn=["s1", "s2"], estimatedStartSeconds=15),
        a_step(4, "startVirtualMachine", "starter", "H1", None, bytes=0, estimatedSeconds=2),
        a_step(5, "liveMigration", "starter", "H1", "H4", dependsOn=["s4"], estimatedStartSeconds=5),
        a_step(6, "offlineMigration", "stopped", "H1", "H3", bytes=0),
        a_step(7, "storageMigration", "copied", "H3", None, storage=moved("copied", SHARE), bytes=10 * GIB),
        a_step(
            8,
            "liveMigrationWithStorage",
            "carried",
            "H3",
            "H4",
            storage=moved("carried", "D:\\VMs"),
            bytes=10 * GIB + MOVE_BYTES,
            estimatedStartSeconds=15,
        ),
        a_step(9, "liveMigration", "crosser", "N1", "M1", leavesCluster="C1", joinsCluster="C2", unprotectedSeconds=10),
    ]


def a_summary() -> dict[str, Any]:
    return {
        "hostSettings": 1,
        "liveMigrations": 5,
        "storageMigrations": 2,
        "offlineMigrations": 1,
        "starts": 1,
        "inPlace": 1,
        "neededMigrations": 8,
        "bytes": 5 * MOVE_BYTES + 20 * GIB,
        "estimatedSeconds": 25,
        "lowerBoundSeconds": 20,
    }


@dataclass
class Draft:
    """The three inputs of the audit as data that can be changed; ``plan`` etc. build the values."""

    steps: list[dict[str, Any]] = field(default_factory=lambda: deepcopy(steps()))
    summary: dict[str, Any] = field(default_factory=a_summary)
    blocked: list[dict[str, Any]] = field(default_factory=list)
    drift: list[dict[str, Any]] = field(default_factory=list)
    observed: dict[str, Any] = field(default_factory=an_observation)
    hosts: dict[str, wanted.Host] = field(default_factory=hosts)
    machines: dict[str, wanted.VirtualMachine] = field(default_factory=machines)
    rules: list[wanted.PlacementRule] = field(default_factory=list)
    locations: list[wanted.StorageLocation] = field(default_factory=list)
    policy: wanted.Policy = field(default_factory=wanted.Policy)
    digest: str = "sha256:d"

    def step(self, number: int) -> dict[str, Any]:
        return next(step for step in self.steps if step["id"] == f"s{number}")

    def host(self, name: str) -> dict[str, Any]:
        return next(host for host in self.observed["hosts"] if host["name"] == name)

    def machine(self, name: str) -> dict[str, Any]:
        return next(vm for host in self.observed["hosts"] for vm in host["virtualMachines"] if vm["name"] == name)

    def drop(self, number: int) -> None:
        self.steps = [step for step in self.steps if step["id"] != f"s{number}"]

    def desired(self) -> wanted.Desired:
        return wanted.Desired(
            digest="sha256:d",
            hosts=tuple(self.hosts.values()),
            virtual_machines=tuple(self.machines.values()),
            placement_rules=tuple(self.rules),
            storage_locations=tuple(self.locations),
            policy=self.policy,
        )

    def observation(self) -> Observation:
        return Observation.model_validate(self.observed)

    def plan(self) -> Plan:
        data = {"desired": {"revision": None, "digest": self.digest}, "complete": True, "applicable": True}
        refs = {"observation": {"digest": self.observation().digest, "observedAt": SEEN_AT}, "summary": self.summary}
        return Plan.model_validate(data | refs | {"steps": self.steps, "blocked": self.blocked, "drift": self.drift})


def a_rule(kind: RuleType, *names: str, topology: str = "host") -> wanted.PlacementRule:
    return wanted.PlacementRule("rule", SOURCE, kind, names, topology)
