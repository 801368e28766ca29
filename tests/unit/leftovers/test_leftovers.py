"""What is listed as left over, and what is not: files in use, refused steps, migrations that run."""

from datetime import timedelta
from typing import Any

from reconciler.clock import ManualClock
from reconciler.leftovers import find_leftovers
from reconciler.model.leftover import Leftover
from reconciler.model.observation import Host, Migration, Observation, PlannedMachine
from reconciler.model.words import HostStatus
from reconciler.report.leftovers import leftovers_text
from reconciler.store import MemoryStore
from tests.builders import OBSERVED_AT, SHARE, a_fleet, a_host, a_vm, desired, desired_vm, stored, vm_id
from tests.unit.plan.planning import plan_for, step_of

LOCAL = r"D:\VMs\it's"
TARGET = rf"{SHARE}\vm1"
WANTED = desired(desired_vm("vm1", "Host2", storage=stored(TARGET)), hosts=2)
BEFORE = a_fleet(a_host("Host1", a_vm("vm1", folder=LOCAL)), a_host("Host2"))


def after(*ends: dict[str, Any] | None, seen: Observation = BEFORE) -> list[Leftover]:
    """Return the ledger after the move of vm1 with its files was begun once for each of these ends (None: nobody saw one)."""
    store = MemoryStore(ManualClock(OBSERVED_AT))
    step = step_of(plan_for(WANTED, BEFORE), "vm1")
    for end in ends:
        store.append("intent", {"step": step.to_json()})
        if end is not None:
            store.append(end.get("kind", "outcome"), {"id": vm_id("vm1"), "key": vm_id("vm1")} | end)
    return list(find_leftovers(store.entries(), WANTED, seen).items)


def test_what_a_failed_or_cancelled_copy_wrote_is_listed_with_its_commands() -> None:
    """The disk by its path; in folders that other machines may share, the files that bear the machine's id."""
    found = after({"state": "failed"})

    assert [(one.host, one.path) for one in found] == [("Host2", TARGET), ("Host2", rf"{TARGET}\Virtual Hard Disks\vm1.vhdx")]
    assert f"-Filter '{vm_id('vm1').upper()}*'" in found[0].look
    assert found[1].clean is not None
    assert found[1].clean.startswith(r"Get-ChildItem -LiteralPath '\\fs1.contoso.com")
    assert found[1].clean.endswith(r"\vm1.vhdx' -File -Force | Remove-Item -Confirm")
    assert len(after({"state": "cancelled"})) == len(after(None)) == 2


def test_what_is_in_use_or_was_never_written_is_not_listed() -> None:
    """Arrived after all; done by a later try; refused at the start; or still on its way."""
    arrived = a_fleet(a_host("Host1"), a_host("Host2", a_vm("vm1", folder=TARGET)))
    disk = step_of(plan_for(WANTED, BEFORE), "vm1").storage[-1].target
    job = Migration(id="m", virtual_machine=vm_id("vm1"), kind="liveWithStorage", destination="Host2")
    moving = a_fleet(a_host("Host1", a_vm("vm1", folder=LOCAL), migrations=(job,)), a_host("Host2"))

    assert [one.path for one in after(None, seen=arrived) if one.path != disk] == []
    assert after({"state": "failed"}, {"state": "done"}) == []
    assert after({"kind": "attempt-failed", "detail": "no room"}) == []
    assert after(None, seen=moving) == []


def test_a_planned_machine_blocks_its_host_until_it_is_gone() -> None:
    """Listed with the command that removes it, and refused as a destination; not while a migration accounts for it."""
    left = PlannedMachine(id=vm_id("vm1"), name="vm1")
    seen = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", planned_virtual_machines=(left,)))
    wanted = desired(desired_vm("vm1", "Host2"), hosts=2)
    (one,) = find_leftovers((), wanted, seen).items

    assert (one.kind, one.host, one.id) == ("plannedVirtualMachine", "Host2", vm_id("vm1"))
    assert "DestroySystem" in (one.clean or "")
    assert [(blocked.code, blocked.counts) for blocked in plan_for(wanted, seen).blocked] == [("no-host", {"residue": 1})]
    assert not plan_for(wanted, seen).steps


def test_of_two_registrations_the_one_that_does_not_run_is_left_over() -> None:
    """Where both run, or neither does, a person decides: no command is offered."""

    def ledger(here: str, there: str) -> list[tuple[str, bool]]:
        seen = a_fleet(a_host("Host1", a_vm("vm1", state=here)), a_host("Host2", a_vm("vm1", state=there)))
        return [(one.host, one.clean is not None) for one in find_leftovers((), WANTED, seen).items]

    assert ledger("Running", "Off") == [("Host2", True)]
    assert ledger("Running", "Running") == [("Host1", False), ("Host2", False)]
    assert ledger("Off", "Off") == [("Host1", False), ("Host2", False)]


def test_the_text_can_be_copied_and_says_who_did_not_answer() -> None:
    """Commands stand on one line each; names are quoted for PowerShell."""
    silent = Host(name="Host3", status=HostStatus.UNREACHABLE, problem="no answer")
    store = MemoryStore(ManualClock(OBSERVED_AT + timedelta(minutes=5)))
    back = step_of(plan_for(desired(desired_vm("vm1", storage=stored(LOCAL)), hosts=2), _at(TARGET)), "vm1")
    store.append("intent", {"step": back.to_json()})
    found = find_leftovers(store.entries(), WANTED, _at(TARGET).model_copy(update={"hosts": (*_at(TARGET).hosts, silent)}))
    text = leftovers_text(found, width=80)

    assert "Host3 did not answer in full" in text
    assert r"-LiteralPath 'D:\VMs\it''s\Virtual Hard Disks\vm1.vhdx' -File -Force | Remove-Item -Confirm }" in text
    assert leftovers_text(find_leftovers((), WANTED, BEFORE)) == "Nothing is known to be left over.\n"


def _at(folder: str) -> Observation:
    return a_fleet(a_host("Host1", a_vm("vm1", folder=folder)), a_host("Host2"))
