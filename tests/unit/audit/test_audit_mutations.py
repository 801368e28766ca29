"""A sound plan passes, and each single way to spoil it is found. One row is one promise of a plan."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.audit import audit
from reconciler.model import desired as wanted
from reconciler.model.words import Handling, MigrationKind, RuleType
from tests.unit.audit.sound_plan import GIB, OTHER, SHARE, SOURCE, Draft, a_machine, a_rule, a_step

Spoil = Callable[[Draft], Any]


def codes(draft: Draft) -> set[str]:
    return {problem.code for problem in audit(draft.plan(), draft.desired(), draft.observation())}


def change(number: int, **fields: Any) -> Spoil:
    """Change fields of one step; a single underscore is no part of JSON names here."""
    return lambda draft: draft.step(number).update(fields)


def sees(host: str, **facts: Any) -> Spoil:
    return lambda draft: draft.host(host).update(facts)


def sees_machine(name: str, **facts: Any) -> Spoil:
    return lambda draft: draft.machine(name).update(facts)


def wants_host(name: str, **fields: Any) -> Spoil:
    return lambda draft: draft.hosts.update({name: replace(draft.hosts[name], **fields)})


def wants(name: str, **fields: Any) -> Spoil:
    return lambda draft: draft.machines.update({name: replace(draft.machines[name], **fields)})


def migrates(name: str, **fields: Any) -> Spoil:
    return wants(name, migration=wanted.VirtualMachineMigration(**fields))


def sums(**fields: Any) -> Spoil:
    return lambda draft: draft.summary.update(fields)


def has_rule(kind: RuleType, *names: str, topology: str = "host") -> Spoil:
    return lambda draft: draft.rules.append(a_rule(kind, *names, topology=topology))


def first_file(number: int, **fields: Any) -> Spoil:
    return lambda draft: draft.step(number)["storage"][0].update(fields)


def settings(**fields: Any) -> Spoil:
    return lambda draft: draft.step(1)["settings"][0].update(fields)


def all_of(*spoils: Spoil) -> Spoil:
    return lambda draft: [spoil(draft) for spoil in spoils]


def limit(name: str, value: int) -> Spoil:
    return lambda draft: setattr(draft, "policy", wanted.Policy(limits=replace(wanted.Limits(), **{name: value})))


def located(**fields: Any) -> Spoil:
    return lambda draft: draft.locations.append(wanted.StorageLocation("data", SOURCE, OTHER, **fields))


def job_for(name: str, host: str, destination: str = "H3") -> Spoil:
    job = {"id": "j", "virtualMachine": f"id-{name}", "kind": "live", "destination": destination}
    return sees(host, migrations=[job])


def enabled(host: str, value: bool | None) -> Spoil:
    return lambda draft: draft.host(host)["migration"].update(enabled=value)


def forget(number: int, name: str) -> Spoil:
    return all_of(lambda draft: draft.drop(number), lambda draft: draft.summary.update({name: draft.summary[name] - 1}))


def share_space(path: str, free: int | None) -> Spoil:
    return lambda draft: [share.update(freeBytes=free) for share in draft.observed["shares"] if share["path"] == path]


SPOILED: dict[str, tuple[str, Spoil]] = {
    # structure
    "two steps with one id": ("duplicate-id", change(5, id="s6")),
    "a dependency that is no step": ("unknown-dependency", change(5, dependsOn=["s4", "s99"])),
    "a cycle of two": ("dependency-order", change(2, dependsOn=["s1", "s3"])),
    "made from another desired state": ("other-desired", lambda draft: setattr(draft, "digest", "sha256:e")),
    # summary
    "a live migration not counted": ("summary", sums(liveMigrations=4)),
    "a combined move counted as one": ("summary", sums(storageMigrations=1)),
    "an offline move not counted": ("summary", sums(offlineMigrations=0)),
    "wrong total of bytes": ("summary", sums(bytes=1)),
    "a machine in place too many": ("summary", sums(inPlace=2)),
    "an end before the last step": ("summary", sums(estimatedSeconds=20)),
    "more needed than planned": ("needed-migrations", sums(neededMigrations=9)),
    "a lower bound above the time": ("lower-bound", sums(lowerBoundSeconds=26)),
    "bytes of a step without its memory": ("bytes", change(8, bytes=10 * GIB)),
    # where a step begins, and who may be touched
    "a step from where the machine is not": ("source", change(5, source="H3")),
    "a machine nobody sees": ("unknown-machine", change(6, virtualMachine={"id": "id-x", "name": "x"})),
    "a machine seen twice": ("unknown-machine", lambda draft: draft.host("M1")["virtualMachines"].append(a_machine("comer"))),
    "a machine that somebody moves": ("migrating", job_for("comer", "H1")),
    "an unmanaged machine": ("hands-off", lambda draft: draft.machines.pop("stopped")),
    "a held machine": ("hands-off", wants("stopped", hold=wanted.Hold("visit", "ops"))),
    "a machine only reported on": ("hands-off", wants("stopped", drift=Handling.REPORT)),
    "an ignored machine": ("hands-off", wants("stopped", drift=Handling.IGNORE)),
    "two movers of one machine": ("two-movers", change(5, dependsOn=[])),
    # kinds
    "a kind that is not allowed": ("kind-not-allowed", migrates("comer", allow=frozenset({MigrationKind.STORAGE}))),
    "a live move that goes nowhere": ("kind", change(3, destination=None)),
    "a storage move that changes host": ("kind", change(7, destination="H4")),
    "a plain live move with files": ("kind", change(8, action="liveMigration")),
    "a live move of a stopped machine": ("state", change(6, action="liveMigration")),
    "an offline move of a running machine": ("state", change(3, action="offlineMigration")),
    "a machine started against its YAML": ("start", migrates("starter")),
    "a machine started for nothing": ("start", lambda draft: draft.drop(5)),
    "a file left on a drive of the old host": ("unreachable-file", lambda draft: draft.step(8)["storage"].pop(1)),
    "a share that the new host does not use": (
        "unreachable-file",
        lambda draft: draft.observed["shares"][0].update(hosts=["H1", "H3", "H4"]),
    ),
    "a target out of reach": ("unreachable-target", first_file(8, to="\\\\fs9.contoso.com\\x\\os.vhdx")),
    "a file from where it is not": ("storage", first_file(7, **{"from": f"{SHARE}\\else\\os.vhdx"})),
    "a file renamed on the way": ("storage", first_file(7, to=f"{OTHER}\\copied\\new.vhdx")),
    "a file of the wrong size": ("bytes", first_file(7, bytes=5)),
    "two machines on one file": (
        "file-clash",
        lambda draft: draft.step(7)["storage"][0].update(to=draft.step(8)["storage"][0]["to"]),
    ),
    # destinations
    "a destination nobody knows": ("destination", change(6, destination="H9")),
    "a destination seen in part": ("destination", sees("M1", status="partial")),
    "a cordoned destination": ("closed-host", wants_host("M1", cordoned=True)),
    "a destination in maintenance": ("closed-host", wants_host("M1", maintenance=True)),
    "a host that the placement does not name": ("placement", change(6, destination="H4")),
    "a destination without the switch": ("switch", sees("M1", switches=["Test"])),
    "a destination too old for the machine": ("version", sees("M1", supportedConfigurationVersions=["8.0"])),
    "a processor of another vendor": ("processor", sees("M1", processorVendor="AuthenticAMD")),
    "a host that authenticates by other means": (
        "authentication",
        sees("M1", migration={"enabled": True, "authenticationType": "CredSSP"}),
    ),
    "an unknown vendor that is not named": ("unverified", sees("M1", processorVendor=None)),
    "unknown memory that is not named": ("unverified", sees("M1", availableMemoryMiB=None)),
    "unknown space that is not named": ("unverified", share_space(OTHER, None)),
    "migration disabled at one end": ("not-enabled", enabled("M1", False)),
    "a move before migration is enabled": ("not-enabled", change(2, dependsOn=[])),
    # settings
    "a setting nobody asked for": ("settings", settings(to=False)),
    "a setting from what was not observed": ("settings", settings(**{"from": None})),
    "a setting that does not exist": ("settings", settings(field="migration.colour")),
    "settings of a host that does not answer": ("settings", change(1, host="H9")),
    # room
    "an arrival that may come before room is made": ("memory", change(3, dependsOn=["s1"])),
    "two arrivals where one fits": ("memory", sees("H4", availableMemoryMiB=11000)),
    "an arrival beside one that somebody else brings": (
        "memory",
        all_of(job_for("resting", "H3", "h4.contoso.com"), sees("H4", availableMemoryMiB=15000)),
    ),
    "a machine unmanaged that is not counted": (
        "summary",
        lambda draft: draft.host("M1")["virtualMachines"].append(a_machine("alien")),
    ),
    "an arrival into the reserve": ("memory", wants_host("H4", reserve_memory_mib=10000)),
    "a start without memory": ("memory", sees("H1", availableMemoryMiB=4000)),
    "two copies where one fits": ("space", share_space(OTHER, 19 * GIB)),
    "copies into the free share": ("space", located(reserve_free_percent=9)),
    # rules
    "a mate that may still be there": (
        "rule",
        all_of(
            has_rule(RuleType.ANTI_AFFINITY, "leaver", "comer"),
            change(3, dependsOn=["s1"]),
            sees("H2", availableMemoryMiB=9999),
        ),
    ),
    "two mates that may meet at their destination": ("rule", has_rule(RuleType.ANTI_AFFINITY, "leaver", "starter")),
    "a stopped unmanaged mate at the destination": (
        "rule",
        all_of(
            has_rule(RuleType.ANTI_AFFINITY, "crosser", "alien"),
            lambda draft: draft.host("M1")["virtualMachines"].append(a_machine("alien", state="Off")),
            sums(unmanaged=1),
        ),
    ),
    "a destination without the label": (
        "rule-label",
        all_of(has_rule(RuleType.ANTI_AFFINITY, "leaver", "crosser", topology="rack"), wants_host("M1", labels={})),
    ),
    "mates apart at the end": ("rule-end", has_rule(RuleType.AFFINITY, "comer", "leaver")),
    # high availability
    "a role that is not taken off": ("crossing", change(9, leavesCluster=None)),
    "a role that is not put back": ("crossing", change(9, joinsCluster=None)),
    "a cluster left where there is none": ("crossing", change(5, leavesCluster="C1")),
    "longer without protection than allowed": ("unprotected-seconds", change(9, unprotectedSeconds=61)),
    "a role to add where there is one": (
        "role",
        lambda draft: draft.steps.append(a_step(10, "addClusterRole", "crosser", "M1", None, bytes=0, dependsOn=["s9"])),
    ),
    # schedule
    "a start before its dependency ends": ("schedule", change(3, estimatedStartSeconds=14)),
    "three live moves at once on a host": ("schedule", change(8, estimatedStartSeconds=7)),
    "the limit of a cluster": ("schedule", lambda draft: draft.observed["clusters"][1].update(maximumParallelMigrations=0)),
    "the desired limit of a host": (
        "schedule",
        wants_host("H4", migration=wanted.HostMigrationSettings(maximum_virtual_machine_migrations=1)),
    ),
    "storage slots": ("schedule", lambda draft: draft.host("H3")["migration"].update(maximumStorageMigrations=0)),
    "the limit of the fleet": ("schedule", limit("concurrent_migrations", 3)),
    "the unprotected limit": ("schedule", limit("unprotected_virtual_machines", 0)),
    "the limit of a location": (
        "schedule",
        all_of(located(maximum_concurrent_migrations=1), change(8, estimatedStartSeconds=9)),
    ),
    # completeness
    "a machine forgotten": ("not-in-place", forget(6, "offlineMigrations")),
    "files left behind": ("not-in-place", lambda draft: draft.step(7)["storage"].pop(1)),
    "a machine moved without need": ("needless", wants("comer", placement=wanted.Placement("hosts", ("H1", "H2")))),
    "a drained machine forgotten": ("not-in-place", wants_host("H3", maintenance=True)),
    "a missing machine not told": (
        "forgotten",
        lambda draft: draft.machines.update(ghost=replace(draft.machines["comer"], name="ghost")),
    ),
}


def test_the_sound_plan_passes() -> None:
    """Otherwise the table below would prove nothing."""
    draft = Draft()

    assert audit(draft.plan(), draft.desired(), draft.observation()) == ()


@pytest.mark.parametrize("name", SPOILED)
def test_each_single_corruption_is_found(name: str) -> None:
    """By the code of the promise that it breaks."""
    code, spoil = SPOILED[name]
    draft = Draft()
    spoil(draft)

    assert f"audit-{code}" in codes(draft)


def told(**entry: Any) -> dict[str, Any]:
    return {"finding": "", "remedy": "", "code": "no-room"} | entry


ALLOWED: dict[str, Spoil] = {
    "a machine left out that is blocked": all_of(
        forget(6, "offlineMigrations"),
        lambda draft: draft.blocked.append(told(subject="virtualMachine/stopped")),
        sums(blocked=1, neededMigrations=7),
    ),
    "a machine left out that is held": all_of(
        forget(6, "offlineMigrations"), wants("stopped", hold=wanted.Hold("visit", "ops")), sums(neededMigrations=7)
    ),
    "an unknown fact that the step names": all_of(sees("M1", processorVendor=None), change(9, unverified=["processorVendor"])),
    "a host below its reserve that only loses machines": wants_host("N1", reserve_memory_mib=99999),
    "an arrival once enough has left a host below its reserve": all_of(
        sees_machine("leaver", memoryMiB=8192),
        sees("H2", availableMemoryMiB=2048),
        lambda draft: draft.hosts.update(H2=replace(draft.hosts["H2"], reserve_memory_mib=3000)),
        change(2, bytes=8192 * 1024 * 1024),
        sums(bytes=6 * 4096 * 1024 * 1024 + 20 * GIB),
    ),
    "mates that follow each other": has_rule(RuleType.ANTI_AFFINITY, "leaver", "comer"),
    "a rule that was broken before": all_of(
        has_rule(RuleType.ANTI_AFFINITY, "copied", "resting"),
        lambda draft: draft.drift.append(
            {"subject": "placementRule/rule", "field": "placementRule", "desired": "", "observed": "", "handling": "report"}
        ),
    ),
    "a slot that is free at the very moment": change(8, estimatedStartSeconds=15),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_the_promises_allow_is_not_reported(name: str) -> None:
    """An audit that cries wolf is switched off."""
    draft = Draft()
    ALLOWED[name](draft)

    assert codes(draft) == set()
