"""Success is an observation: what a look at the fleet says about a step that was started."""

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.controller.verify import Verdict, judge
from reconciler.model.observation import (
    Disk,
    Host,
    HostMigration,
    Migration,
    Observation,
    VirtualMachine,
)
from reconciler.model.plan import MachineRef, MachineStep, SettingChange, SettingsStep, StorageMove
from reconciler.model.words import Action, HostStatus, MigrationKind, PerformanceOption

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
WEB = "00000001-0000-4000-8000-000000000001"


def a_machine(**facts: Any) -> VirtualMachine:
    return VirtualMachine(**({"id": WEB, "name": "web", "state": "Running"} | facts))


def a_job(state: str = "Running", **facts: Any) -> Migration:
    given = {"id": "j1", "virtual_machine": WEB, "kind": MigrationKind.LIVE, "destination": "hv2", "state": state}
    return Migration(**(given | facts))


def a_fleet(*hosts: Host) -> Observation:
    return Observation(observed_at=NOW, hosts=hosts)


def a_move(**facts: Any) -> MachineStep:
    given = {"action": Action.LIVE_MIGRATION, "source": "hv1", "destination": "hv2"}
    return MachineStep(id="s1", virtual_machine=MachineRef(id=WEB, name="web"), **(given | facts))


MOVED_DISK = StorageMove(file="os.vhdx", source=r"D:\old\os.vhdx", target=r"D:\new\Virtual Hard Disks\os.vhdx")


@pytest.mark.parametrize(
    ("story", "hosts", "verdict", "detail"),
    [
        ("arrived", [Host(name="hv1"), Host(name="hv2", virtual_machines=(a_machine(),))], Verdict.DONE, ""),
        (
            "on its way",
            [Host(name="hv1", virtual_machines=(a_machine(),), migrations=(a_job(percent=40),)), Host(name="hv2")],
            Verdict.RUNNING,
            "40 %",
        ),
        (
            "ended where it was",
            [
                Host(
                    name="hv1",
                    virtual_machines=(a_machine(),),
                    migrations=(a_job("Exception", error_code=-2147023446, error="no memory"),),
                ),
                Host(name="hv2"),
            ],
            Verdict.NOT_DONE,
            "the migration ended as Exception (0x800705AA): no memory",
        ),
        (
            "arrived, but not in the state it was in",
            [Host(name="hv1"), Host(name="hv2", virtual_machines=(a_machine(state="Off"),))],
            Verdict.NOT_DONE,
            "arrived, but it is Off and was Running",
        ),
        (
            "on both hosts while it is handed over",
            [Host(name="hv1", virtual_machines=(a_machine(),)), Host(name="hv2", virtual_machines=(a_machine(),))],
            Verdict.CANNOT_TELL,
            "seen on hv2 and on hv1 at once: being handed over",
        ),
        (
            "nowhere, while a host is silent",
            [Host(name="hv1"), Host(name="hv2", status=HostStatus.UNREACHABLE)],
            Verdict.CANNOT_TELL,
            "seen on no host; no full answer from hv2",
        ),
        ("nowhere at all", [Host(name="hv1"), Host(name="hv2")], Verdict.CANNOT_TELL, "seen on no host at this moment"),
    ],
)
def test_what_a_look_says_about_a_live_migration(story: str, hosts: list[Host], verdict: Verdict, detail: str) -> None:
    """Only a machine seen where it should be is done; only one seen where it was, with no job, has failed."""
    seen = judge(a_move(), "Running", a_fleet(*hosts))

    assert (seen.verdict, seen.detail) == (verdict, detail), story


def test_a_storage_migration_is_done_when_every_file_lies_at_its_target() -> None:
    """Paths compare without case; a file left behind is named."""
    step = a_move(action=Action.STORAGE_MIGRATION, destination=None, storage=(MOVED_DISK,))
    moved = a_machine(disks=(Disk(path=r"d:\NEW\Virtual Hard Disks\os.vhdx"),))
    left = a_machine(disks=(Disk(path=r"D:\old\os.vhdx"),))

    assert judge(step, "Running", a_fleet(Host(name="hv1", virtual_machines=(moved,)))).verdict is Verdict.DONE
    behind = judge(step, "Running", a_fleet(Host(name="hv1", virtual_machines=(left,))))
    assert (behind.verdict, behind.detail) == (Verdict.NOT_DONE, "no migration runs; not at their place: os.vhdx")


def test_settings_are_done_when_the_host_reports_them() -> None:
    """The host's word after the change counts, not the reply to the change."""
    change = SettingChange(field="migration.performanceOption", source="Compression", target="SMB")
    step = SettingsStep(id="s1", action=Action.CONFIGURE_HOST, host="hv1", settings=(change,))

    def fleet(option: PerformanceOption) -> Observation:
        return a_fleet(Host(name="hv1", migration=HostMigration(performance_option=option)))

    assert judge(step, None, fleet(PerformanceOption.SMB)).verdict is Verdict.DONE
    assert judge(step, None, fleet(PerformanceOption.TCPIP)).verdict is Verdict.NOT_DONE


@pytest.mark.parametrize(
    ("action", "facts", "verdict"),
    [
        (Action.ADD_CLUSTER_ROLE, {"highly_available": True}, Verdict.DONE),
        (Action.ADD_CLUSTER_ROLE, {"highly_available": False}, Verdict.NOT_DONE),
        (Action.ADD_CLUSTER_ROLE, {"highly_available": None}, Verdict.CANNOT_TELL),
        (Action.REMOVE_CLUSTER_ROLE, {"highly_available": False}, Verdict.DONE),
        (Action.START_VIRTUAL_MACHINE, {"state": "Running"}, Verdict.DONE),
        (Action.START_VIRTUAL_MACHINE, {"state": "Off"}, Verdict.NOT_DONE),
    ],
)
def test_roles_and_power_are_judged_by_what_the_host_says(action: Action, facts: dict[str, Any], verdict: Verdict) -> None:
    """Unknown is neither yes nor no."""
    step = a_move(action=action, destination=None)

    assert judge(step, "Running", a_fleet(Host(name="hv1", virtual_machines=(a_machine(**facts),)))).verdict is verdict
