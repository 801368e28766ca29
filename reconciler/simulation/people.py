"""What people and machines do of their own accord in a life: commits, moves by hand, cancels, restarts, backups, full disks.

Everything is drawn and put on the agenda before the life begins; what it meets when its time comes is another matter.
"""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from reconciler.hosts.port import CancelMigration, ConfigureHost, RemoveClusterRole
from reconciler.simulation.stage import Stage
from reconciler.simulator.refusal import HostUnreachable, Refused

HOUR = 3600.0
FOLLOWED = 0.35  # the share of commits that another one follows while they are carried out
FOLLOWED_BY_SECOND_THOUGHTS = 0.9  # the same after a rush, and among people who are given to second thoughts
SOON = (5, 15, 40, 120, 600)  # seconds until then
UNDER_WAY = (90, 120, 180, 300)  # the same where limits are changed first, and then many machines set out
ERRORS = (
    (0x8007274C, "connection timed out"),
    (0x8007000E, "not enough memory"),
    (0x8009030E, "no credentials are available in the security package"),
    (0x80070005, "access is denied"),
)


class People:
    """Puts a life's acts on the agenda. ``committed`` is called after each commit."""

    def __init__(self, stage: Stage, committed: Callable[[], None]) -> None:
        self._stage, self._committed = stage, committed
        self._out_of_reach: set[str] = set()
        self._busy: set[str] = set()
        self._full = 0

    def schedule(self) -> None:
        """Draw when what happens."""
        stage, options = self._stage, self._stage.options
        span = options.days * 24 * HOUR
        commits, acts = stage.streams.of("commits"), stage.streams.of("acts")
        for moment in sorted(commits.uniform(0, span) for _ in range(options.commits)):
            stage.timeline.after(moment, self._commit)
        for name, act in self._acts().items():
            luck = stage.streams.of("act", name)
            moments = sorted(luck.uniform(0, span) for _ in range(acts.randint(1, max(1, options.acts // 3))))
            for moment in moments if name in stage.faults else ():
                stage.timeline.after(moment, partial(self._do, name, act, luck))

    def settle(self) -> None:
        """Everything that was begun is over: hosts are back, backups done, disks free, clocks right."""
        for name in sorted(self._out_of_reach):
            self._stage.world.set_unreachable(name, False)
        for machine in sorted(self._busy):
            self._stage.world.set_operation(machine, None)
        self._stage.store.failing = False
        self._stage.partial.clear()
        for machine in sorted(self._stage.known.holds):
            self._write_hold("release", machine, None)
        self._stage.clock.offset = timedelta()

    def _acts(self) -> dict[str, Callable[[random.Random], str]]:
        return {
            "foreign-move": self._move,
            "cancel": self._cancel,
            "limits-lowered": self._lower_limits,
            "busy-machine": self._keep_busy,
            "role-removed": self._remove_role,
            "machine-stopped": self._stop,
            "migration-fails": self._let_fail,
            "migration-slow": self._slow_down,
            "outage": self._outage,
            "reboot": self._reboot,
            "clock-jump": self._jump,
            "store-fails": self._fill_disk,
            "partial-answer": self._tell_a_part,
            "hold-by-hand": self._hold_or_release,
        }

    def _do(self, name: str, act: Callable[[random.Random], str], luck: random.Random) -> None:
        """Let one act happen; a person who is refused shrugs."""
        told = "refused"
        with suppress(Refused, HostUnreachable):
            told = act(luck)
        self._stage.known.disturb()
        self._stage.log.add("act", f"{name} {told}")
        self._stage.happened()

    def _commit(self, follows: bool = False) -> None:
        stage = self._stage
        luck = stage.streams.of("commit", str(stage.wishes.revision))
        told = stage.wishes.commit(luck, stage.clock.now(), follows)
        stage.log.add("commit", told)
        self._trouble_ahead(luck)
        self._trouble_at_work(luck)
        if luck.random() < self._likely_to_follow(follows):
            soon = UNDER_WAY if stage.wishes.rushed else SOON
            stage.timeline.after(luck.choice(soon), partial(self._commit, follows=True))
        self._committed()

    def _trouble_ahead(self, luck: random.Random) -> None:
        """Some of the migrations that a commit asks for will be slow or fail: then the next commit meets them under way."""
        hosts, tells_a_part = self._stage.wishes.focus, luck.random() < 0.15
        if hosts and tells_a_part and "partial-answer" in self._stage.faults:
            self._tell_a_part(luck, luck.choice(hosts))
        for machine in self._stage.wishes.moved:
            slow, fails, factor = luck.random() < 0.25, luck.random() < 0.08, luck.choice((5, 20, 60))
            if slow and "migration-slow" in self._stage.faults:
                self._stage.world.slow_next_migration(machine, factor)
            if fails and "migration-fails" in self._stage.faults:
                self._fail(machine, luck)

    def _likely_to_follow(self, follows: bool) -> float:
        wishes = self._stage.wishes
        hasty = wishes.rushed or ("second-thoughts" in wishes.traits and not follows)
        return FOLLOWED_BY_SECOND_THOUGHTS if hasty else FOLLOWED

    def _trouble_at_work(self, luck: random.Random) -> None:
        """Where a commit is carried out, hosts go away or tell only a part, and people meddle: just then, not some time."""
        focus, faults = self._stage.wishes.focus, self._stage.faults
        if "trouble-at-work" not in self._stage.wishes.traits or not focus:
            return
        host, delay, minutes = luck.choice(focus), luck.choice((20, 60, 150, 400)), luck.choice((5, 20, 60))
        goes_away, tells_a_part, meddled = luck.random() < 0.4, luck.random() < 0.3, luck.random() < 0.5
        if goes_away and "outage" in faults:
            self._later(delay, lambda: self._away(host, minutes * 60))
        if tells_a_part and "partial-answer" in faults:
            self._tell_a_part(luck, host)
        if meddled and faults:
            busiest = self._busiest_destination() or host
            self._later(luck.choice((1, 5, 20)), lambda: self._send_from_a_host_that_goes_away(luck, busiest))

    def _busiest_destination(self) -> str | None:
        """The host to which most machines of the last commit are to go."""
        wishes = self._stage.wishes
        arriving = Counter(one.host for _, one in sorted(wishes.machines.items()) if one.id in wishes.moved)
        return arriving.most_common(1)[0][0] if arriving else None

    def _send_from_a_host_that_goes_away(self, luck: random.Random, destination: str) -> None:
        """Somebody moves a machine to a host where others arrive; then its source does not answer any more."""
        stage = self._stage
        corrected = {one.id for one in stage.wishes.committed().virtual_machines if one.drift == "correct" and not one.hold}
        places = [(host.name, machine.id) for host, machine in stage.world.observation().machines() if machine.id in corrected]
        wanted = luck.choice((1, 2))
        for source, machine in luck.sample(places, min(8, len(places))):
            with suppress(Refused, HostUnreachable):
                if wanted and source != destination and stage.world.person_moves(machine, destination).migration_id:
                    wanted -= 1
                    self._away(source, luck.choice((0.1, 0.5)) * HOUR)
                    stage.log.add("act", f"{machine} from {source} to {destination} by hand, and {source} goes away")
        stage.happened()

    # -- acts; each returns what it did

    def _move(self, luck: random.Random) -> str:
        # Of machines that are brought back: others would take room that the desired state counts on.
        corrected = [one for one in self._stage.wishes.committed().virtual_machines if one.drift == "correct" and not one.hold]
        machine, host = luck.choice(corrected).id or "", luck.choice(self._stage.world.host_names)
        self._stage.world.person_moves(machine, host)
        return f"{machine} to {host}"

    def _cancel(self, luck: random.Random) -> str:
        jobs = [(host.name, job.id) for host in self._stage.world.observation().hosts for job in host.running_migrations]
        if not jobs:
            return "nothing"
        host, job = luck.choice(jobs)
        self._stage.world.execute(host, CancelMigration(job))
        return job

    def _lower_limits(self, luck: random.Random) -> str:
        host = luck.choice(self._stage.world.host_names)
        field = luck.choice(("maximumVirtualMachineMigrations", "maximumStorageMigrations"))
        self._stage.world.execute(host, ConfigureHost({f"migration.{field}": luck.randint(1, 2)}))
        return f"{host} {field}"

    def _keep_busy(self, luck: random.Random) -> str:
        machine = self._machine(luck)
        self._busy.add(machine)
        self._stage.world.set_operation(machine, "BackingUpVirtualMachine")
        self._later(luck.uniform(0.1, 2) * HOUR, lambda: self._stage.world.set_operation(machine, None))
        return machine

    def _remove_role(self, luck: random.Random) -> str:
        roles = [(host.name, vm.id) for host, vm in self._stage.world.observation().machines() if vm.highly_available]
        if not roles:
            return "nothing"
        host, machine = luck.choice(roles)
        self._stage.world.execute(host, RemoveClusterRole(machine))
        self._stage.excused_roles.add(machine)
        return machine

    def _stop(self, luck: random.Random) -> str:
        machine = self._machine(luck)
        if self._stage.truth.states[machine] != "Running":
            return "nothing"
        self._stage.truth.states[machine] = "Off"
        self._stage.world.stop_machine(machine)
        return machine

    def _let_fail(self, luck: random.Random) -> str:
        machine = self._machine(luck)
        self._fail(machine, luck)
        return machine

    def _fail(self, machine: str, luck: random.Random) -> None:
        code, text = luck.choice(ERRORS)
        self._stage.world.fail_next_migration(machine, code, text, luck.choice((0.01, 0.5, 0.99)))

    def _slow_down(self, luck: random.Random) -> str:
        machine = self._machine(luck)
        self._stage.world.slow_next_migration(machine, luck.choice((3, 10, 40)))
        return machine

    def _outage(self, luck: random.Random) -> str:
        host, at_ends = luck.choice(self._stage.world.host_names), luck.random() < 0.5
        moving = [one.name for one in self._stage.world.observation().hosts if one.running_migrations]
        host = luck.choice(moving) if moving and at_ends else host
        self._away(host, luck.choice((0.02, 0.3, 3)) * HOUR)
        return host

    def _reboot(self, luck: random.Random) -> str:
        host = luck.choice(self._stage.world.host_names)
        self._stage.world.restart_host(host)
        self._away(host, luck.uniform(120, 900))
        return host

    def _away(self, host: str, seconds: float) -> None:
        self._out_of_reach.add(host)
        self._stage.world.set_unreachable(host, True)
        self._later(seconds, lambda: self._stage.world.set_unreachable(host, False))

    def _jump(self, luck: random.Random) -> str:
        self._stage.clock.offset = timedelta(seconds=luck.choice((-3600, -240, -5, 5, 240, 3600)))
        return str(self._stage.clock.offset)

    def _fill_disk(self, luck: random.Random) -> str:
        self._full += 1
        self._stage.store.failing = True
        self._later(luck.uniform(0.05, 2) * HOUR, self._free_disk)
        return "full"

    def _free_disk(self) -> None:
        self._full -= 1
        self._stage.store.failing = self._full > 0

    def _tell_a_part(self, luck: random.Random, host: str | None = None) -> str:
        host = host or luck.choice(self._stage.world.host_names)
        key = self._stage.known.key(host)
        self._stage.partial.add(key)
        self._later(luck.uniform(0.1, 3) * HOUR, lambda: self._stage.partial.discard(key))
        return host

    def _hold_or_release(self, luck: random.Random) -> str:
        held, releases = sorted(self._stage.known.holds), luck.random() < 0.4
        if held and releases:
            machine = luck.choice(held)
            return f"release {machine} {self._write_hold('release', machine, None)}"
        wishes = sorted(self._stage.wishes.machines.values(), key=lambda wish: wish.name)
        pending = [one.id for one in wishes if one.id in self._stage.wishes.moved] or [one.id for one in wishes]
        machine = luck.choice(pending)
        hours = luck.choice((None, 0.5, 4))
        until = None if hours is None else self._stage.clock.now() + timedelta(hours=hours)
        return f"hold {machine} {self._write_hold('hold', machine, until)}"

    def _write_hold(self, kind: str, machine: str, until: datetime | None) -> bool:
        name = next(one.name for one in self._stage.wishes.machines.values() if one.id == machine)
        data = {"machine": machine, "name": name, "owner": "bob"}
        end = {"reason": "a test", "until": until.isoformat() if until else None} if kind == "hold" else {}
        return self._stage.store.append_by_hand(kind, data | end)

    def _later(self, seconds: float, happen: Callable[[], None]) -> None:
        def happen_unseen() -> None:
            happen()
            self._stage.known.disturb()

        self._stage.timeline.after(seconds, happen_unseen)

    def _machine(self, luck: random.Random) -> str:
        return luck.choice(sorted(self._stage.truth.states))
