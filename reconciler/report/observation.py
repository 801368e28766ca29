"""What a survey saw: the hosts in a table, those that did not answer with their reasons, migrations that run now, and holds."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.text import Text

from reconciler.model.desired import Hold
from reconciler.model.document import API_VERSION
from reconciler.model.observation import Host, Migration, Observation
from reconciler.model.words import HostStatus
from reconciler.report import words
from reconciler.report.console import Cell, columns, line, render, wrapped
from reconciler.report.slots import observed_live_limit, used_now
from reconciler.report.units import MIB, count, human_bytes, human_seconds

STATUS_STYLES = {HostStatus.OK: "green", HostStatus.PARTIAL: "yellow", HostStatus.UNREACHABLE: "red"}
Held = Sequence[tuple[str, Hold]]


def observation_text(observation: Observation, width: int = 100, color: bool = False) -> str:
    """Return the hosts as a table (slots as used/limit, memory as free/whole), then why hosts did not answer in full."""
    return render(_observation_lines(observation, width), color)


def migrations_text(observation: Observation, held: Held = (), width: int = 100, color: bool = False) -> str:
    """Return the migrations that run now, whoever started them, by source host, or that none runs; then who holds what."""
    return render([*_migration_lines(observation, width), *_held_lines(held, width)], color)


def migrations_json(observation: Observation, held: Held = ()) -> dict[str, Any]:
    """Return the running migrations as a document of kind ``Migrations``; beside them hosts that did not answer, and holds."""
    names = _names(observation)
    return {
        "apiVersion": API_VERSION,
        "kind": "Migrations",
        "observedAt": observation.to_json()["observedAt"],
        "migrations": [
            job.to_json() | {"source": host.name, "name": names.get(job.virtual_machine.casefold())}
            for host, job in _running(observation)
        ],
        "held": [_held_json(name, hold) for name, hold in held],
        "unseen": [
            {"host": host.name, "status": host.status.value, "problem": host.problem} for host in _troubled(observation)
        ],
    }


def _observation_lines(observation: Observation, width: int) -> Iterator[Text]:
    machines = sum(len(host.virtual_machines) for host in observation.hosts)
    seen = observation.observed_at.strftime("%Y-%m-%d %H:%M:%SZ")
    total = f"{count(len(observation.hosts), 'host')}, {count(machines, 'virtual machine')}, seen {seen}"
    troubled = _troubled(observation)
    yield line((total, "bold"), f" · {len(troubled)} not seen in full" if troubled else "")
    yield Text()
    head = ("Host", "Status", "Cluster", "Machines", "Memory free", "Live slots", "Storage slots")
    rows = [_host_row(host, observation) for host in _sorted_hosts(observation)]
    yield from columns([tuple(Text(name, style="dim") for name in head), *rows], align="<<<>>>>", width=width, shrink=(0, 2))
    yield from _trouble_lines(troubled, width)


def _host_row(host: Host, observation: Observation) -> tuple[Cell, ...]:
    gone = host.status is HostStatus.UNREACHABLE
    return (
        host.name,
        Text(host.status.value, style=STATUS_STYLES[host.status]),
        host.cluster or "",
        "?" if gone else str(len(host.virtual_machines)),
        f"{_memory(host.available_memory_mib)} of {_memory(host.memory_mib)}",
        _ratio(used_now(host, False), observed_live_limit(host, observation)),
        _ratio(used_now(host, True), host.migration.maximum_storage_migrations),
    )


def _trouble_lines(troubled: list[Host], width: int) -> Iterator[Text]:
    if not troubled:
        return
    yield Text()
    yield line(("Not seen in full; what is on them is unknown, and left alone", "bold"))
    for host in troubled:
        style = STATUS_STYLES[host.status]
        yield line("  ", ("? ", words.STYLES["?"]), (host.name, "bold"), "  ", (host.status.value, style))
        yield from wrapped(host.problem or "no reason was given", width=width, indent=4)


def _migration_lines(observation: Observation, width: int) -> Iterator[Text]:
    jobs, troubled, names = list(_running(observation)), _troubled(observation), _names(observation)
    if jobs:
        yield line((f"{count(len(jobs), 'migration')} running", "bold"))
        rows = [_job_row(host, job, names, observation.observed_at) for host, job in jobs]
        yield from columns(rows, align="<<<<>>", width=width, shrink=(1, 2))
    elif troubled:
        yield line(("No migration is running on the hosts that answered.", "bold"))
    else:
        yield line(("No migration is running.", "bold"))
    yield from _trouble_lines(troubled, width)


def _held_lines(held: Held, width: int) -> Iterator[Text]:
    if held:
        yield Text()
        yield line((f"{count(len(held), 'machine')} held: nothing is started for them", "bold"))
        rows = [(line((name, "bold")), hold.words, _placed(hold)) for name, hold in held]
        yield from columns(rows, align="<<<", width=width, shrink=(0, 1))


def _placed(hold: Hold) -> str:
    return f"placed {hold.placed_at:%Y-%m-%d %H:%MZ}" if hold.placed_at else "committed"


def _held_json(name: str, hold: Hold) -> dict[str, Any]:
    ends = {"until": hold.until.isoformat() if hold.until else None}
    placed = {"placedAt": hold.placed_at.isoformat() if hold.placed_at else None}
    return {"name": name, "owner": hold.owner, "reason": hold.reason} | ends | placed


def _job_row(host: Host, job: Migration, names: dict[str, str], now: datetime) -> tuple[Cell, ...]:
    sign = words.sign_of(job.kind)
    since = human_seconds(max(0.0, (now - job.started_at).total_seconds())) if job.started_at else "unknown"
    return (
        Text(sign, style=words.STYLES[sign]),
        names.get(job.virtual_machine.casefold(), job.virtual_machine),
        words.route(host.name, job.destination),
        words.LABELS[job.kind],
        "?" if job.percent is None else f"{job.percent} %",
        f"for {since}",
    )


def _names(observation: Observation) -> dict[str, str]:
    """Names by VMId; twins carry the head of their id."""
    pairs = [(machine.name, machine.id) for _, machine in observation.machines()]
    twins = words.repeated((name, vm_id.casefold()) for name, vm_id in pairs)
    return {vm_id.casefold(): words.machine_name(name, vm_id, twins) for name, vm_id in pairs}


def _running(observation: Observation) -> Iterator[tuple[Host, Migration]]:
    for host in _sorted_hosts(observation):
        for job in sorted(host.running_migrations, key=lambda job: (job.virtual_machine, job.id)):
            yield host, job


def _troubled(observation: Observation) -> list[Host]:
    return [host for host in _sorted_hosts(observation) if host.status is not HostStatus.OK]


def _sorted_hosts(observation: Observation) -> list[Host]:
    return sorted(observation.hosts, key=lambda host: (host.name.casefold(), host.name))


def _memory(mib: int | None) -> str:
    return "?" if mib is None else human_bytes(mib * MIB)


def _ratio(used: int | None, limit: int | None) -> str:
    return f"{'?' if used is None else used} of {'?' if limit is None else limit}"
