"""Clusters in the simulated fleet: roles, crossings, settings that override each other."""

import pytest

from reconciler.hosts.port import (
    AddClusterRole,
    ConfigureCluster,
    ConfigureHost,
    RemoveClusterRole,
    RoleSettings,
    StartMigration,
)
from reconciler.simulator.history import EventKind, Interval, unprotected
from tests.unit.simulator.simulated_fleet import LIVE, START, Stage, cluster, host, machine, world

V1, V2 = r"C:\ClusterStorage\C1", r"C:\ClusterStorage\C2"


def two_clusters() -> Stage:
    """Two nodes each in two clusters; ``vm`` runs on the first with its files on the share, ``csv`` on the shared volume."""
    return world(
        host("N1", machine("vm", highly_available=True), machine("csv", V1, highly_available=True), cluster="C1"),
        host("N2", cluster="C1"),
        host("N3", cluster="C2"),
        host("A"),
        clusters=(cluster("C1"), cluster("C2")),
    )


def test_clustered_machine_moves_between_nodes_with_its_role() -> None:
    """Inside a cluster the shared volume is within reach of every node, and the role goes along."""
    stage = two_clusters()
    stage.start("N1", "csv", LIVE, "N2")
    stage.finish()
    place, arrived = stage.seen("csv")
    assert (place, arrived.highly_available) == ("N2", True)
    assert stage.ask("N2", RemoveClusterRole("csv")).settings["priority"] == 2000


def test_crossing_needs_the_role_off_first_and_keeps_its_settings() -> None:
    """Role off, live migration, role on: settings are kept by who carries them over; the gap can be read from the history."""
    stage = two_clusters()
    assert "remove the role first" in stage.refused("N1", StartMigration("vm", LIVE, "N3"))
    stage.ask("N1", AddClusterRole("vm"))
    saved = stage.ask("N1", RemoveClusterRole("vm")).settings | {"priority": 3000}
    assert stage.ask("N1", RemoveClusterRole("vm")) == RoleSettings()
    assert stage.seen("vm")[1].highly_available is False
    stage.start("N1", "vm", LIVE, "N3")
    assert "reconciler.busy" in stage.refused("N1", AddClusterRole("vm"))
    stage.finish()
    stage.ask("N3", AddClusterRole("vm", saved))
    assert stage.seen("vm")[1].highly_available is True
    assert unprotected(stage.world.events) == {"vm": [Interval(START, stage.clock.now())]}
    assert stage.ask("N3", RemoveClusterRole("vm")).settings["priority"] == 3000
    assert unprotected(stage.world.events)["vm"][-1].end is None


def test_role_needs_a_node_and_clustered_files() -> None:
    """A stand-alone host has no cluster, and files on a local disk are no ground for a role."""
    stage = world(host("A", machine("vm")), host("N1", machine("local", "D:\\VMs"), cluster="C1"), clusters=(cluster("C1"),))
    assert "reconciler.not-a-cluster-node" in stage.refused("A", AddClusterRole("vm"))
    assert r"files off clustered storage: D:\VMs\local\os.vhdx" in stage.refused("N1", AddClusterRole("local"))
    assert stage.ask("A", RemoveClusterRole("vm")) == RoleSettings()


def test_shared_volume_of_another_cluster_is_out_of_reach() -> None:
    """Paths on shared volumes look alike in all clusters and still are different places."""
    stage = two_clusters()
    stage.ask("N1", RemoveClusterRole("csv"))
    assert r"N3 cannot reach C:\ClusterStorage\C1\csv" in stage.refused("N1", StartMigration("csv", LIVE, "N3"))


def test_paused_node_takes_no_roles() -> None:
    """A node that is not up is no possible owner."""
    stage = world(
        host("N1", machine("vm", highly_available=True), cluster="C1", node_state="Up"),
        host("N2", cluster="C1", node_state="Paused"),
        clusters=(cluster("C1"),),
    )
    assert "the node N2 is Paused" in stage.refused("N1", StartMigration("vm", LIVE, "N2"))


def test_settings_take_effect_at_once_and_are_told() -> None:
    """A change of settings is seen by the next survey and stands in the history with both values."""
    stage = world(host("A", machine("vm")), host("B", migration={"enabled": False}))
    stage.ask("B", ConfigureHost({"migration.enabled": True, "migration.networks": ["10.0.0.7/24"]}))
    assert stage.host("B").migration.networks == ("10.0.0.0/24",)
    assert stage.start("A", "vm", LIVE, "B").migration_id
    told = [(e.host, e.detail) for e in stage.world.events if e.kind is EventKind.SETTING_CHANGED]
    assert ("B", {"field": "migration.enabled", "from": False, "to": True}) in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("migration.maximumStorageMigrations", 0),
        ("migration.performanceOption", "Fast"),
        ("migration.networks", ["10.0.0.300"]),
        ("migration.enabled", "yes"),
        ("storage.virtualMachinePath", ""),
        ("memory", 1),
    ],
)
def test_settings_are_taken_whole_or_not_at_all(name: str, value: object) -> None:
    """One bad value refuses the request, and what was good in it is not applied."""
    stage = world(host("A"))
    text = stage.refused("A", ConfigureHost({"migration.maximumVirtualMachineMigrations": 7, name: value}))
    assert "reconciler.refused" in text
    assert stage.host("A").migration.maximum_virtual_machine_migrations == 2
    assert stage.world.events == []


def test_cluster_decides_the_live_limit_of_its_nodes() -> None:
    """Set on the cluster it reaches all nodes; set on a node it does not stick."""
    stage = two_clusters()
    stage.ask("N1", ConfigureCluster(4))
    stage.ask("N2", ConfigureHost({"migration.maximumVirtualMachineMigrations": 9}))
    limits = [stage.host(name).migration.maximum_virtual_machine_migrations for name in ("N1", "N2", "N3")]
    assert limits == [4, 4, 2]
    assert "reconciler.not-a-cluster-node" in stage.refused("A", ConfigureCluster(4))
