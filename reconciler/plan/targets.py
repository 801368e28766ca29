"""Where each machine shall go. Machines that may stay do; pinned ones have one answer; for the rest a simple choice.

The choice for flexible placements (fewest migrations, fewest preferred rules broken, preferred host, fewest bytes, first in
the machine's own order of hosts) is made one machine at a time, those with fewest hosts first, then the largest. Where that
leaves somebody out, ``exact`` looks at all of them together and the choice is made again. Wishes move a machine that is in
place only where the policy says so, and come last.

Nothing that a step of the plan changes enters into a choice but room, and room only as "is there enough": so planning again on
the way gives the same hosts (``own_order``). That is why the room of those who will go counts from the start. Of disk space
only that of hosts' own volumes is looked at here: it tells one host from another. A share is the same to all.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from types import MappingProxyType

from reconciler.model.announced import AnnouncedMove, announced_hosts
from reconciler.model.desired import PlacementRule
from reconciler.model.drift import SETTLED, MachineDrift, MachineStatus
from reconciler.model.plan import Blocked
from reconciler.model.words import Handling, Preferences, RuleType
from reconciler.plan.checks import host_refusal
from reconciler.plan.drives import Drives, sure_to_take
from reconciler.plan.estimate import Assumptions
from reconciler.plan.exact import MAKES_ROOM, Decision, FirstChoice, decide_together
from reconciler.plan.fleet import Fleet
from reconciler.plan.mending import Broken, who_leaves
from reconciler.plan.moves import Move, Refusal, as_blocked
from reconciler.plan.own_order import OwnOrder
from reconciler.plan.roles import crossing, role_refusal
from reconciler.plan.routes import find_route
from reconciler.plan.rules import Rules
from reconciler.plan.solver import Solver

STATUS_CODES = {
    MachineStatus.FOREIGN: ("migrating", "wait for that migration to end, or cancel it; the next pass plans anew"),
    MachineStatus.MISSING: ("missing", "correct the name or id, or remove the document; nothing is ever created"),
    MachineStatus.AMBIGUOUS: ("ambiguous-name", "give spec.id, the VMId of the machine that is meant"),
    MachineStatus.DUPLICATE: ("duplicate-id", "find out which copy is the real one and remove the other by hand"),
}
DEPENDS_ON_OTHERS = ("memory", "rule")  # reasons that another choice for others could take away
NO_PLACE = ("no-host", "no-room")  # codes of machines for which a place was looked for
Preference = tuple[int, int, int, int, int, int, str]
PATIENCE = 4  # choices made anew because somebody who was counted on to leave has to stay
WISHES = ("placement.prefer", "preferredRule")  # reasons of moves that only a wish asks for
NONE_GIVEN: Mapping[str, str] = MappingProxyType({})
FEW_HOSTS = 24  # up to so many are all asked what a machine's way there would take


@dataclass(frozen=True, slots=True)
class Choice:
    """One move for each machine that can be brought into place, and the rest with the reason why not.

    A move whose reason is ``makesRoom`` is of a machine that may stay, and goes because otherwise another could not come;
    ``proven``: no choice spares such moves. ``failed`` (subjects) found no place; ``together``: what came of looking at
    several machines at once.
    """

    moves: list[Move]
    blocked: list[Blocked]
    proven: bool = True
    failed: frozenset[str] = frozenset()
    together: Decision | None = None

    def asks_to_make_way(self, move: Move) -> bool:
        """Tell whether a move was decided on only for the sake of other machines."""
        return self.together is not None and move.drift.machine.name.casefold() in self.together.making_room

    def lacks(self, placed: Iterable[Move]) -> bool:
        """Tell whether a machine that was decided upon together with others is not among those that are moved."""
        moved = {move.drift.machine.name.casefold() for move in placed}
        return self.together is not None and not self.together.hosts.keys() <= moved

    def told(self, blocked: list[Blocked]) -> list[Blocked]:
        """Say of machines that found no place whether that is proven, and which demands contradict each other."""
        if (found := self.together) is None:
            return blocked
        said = {"proven": found.impossible, "conflict": found.conflict}
        subjects = {f"virtualmachine/{name}" for name in found.troubled}
        return [
            one.model_copy(update=said if one.subject.casefold() in subjects else {"proven": False})
            if one.code in NO_PLACE and (one.subject.casefold() in subjects or one.subject in self.failed)
            else one
            for one in blocked
        ]


def choose_targets(
    fleet: Fleet,
    rules: Rules,
    assumptions: Assumptions,
    solver: Solver | None = None,
    announced: Sequence[AnnouncedMove] = (),
    given: Mapping[str, str] = NONE_GIVEN,
    without: frozenset[str] = frozenset(),
) -> Choice:
    """Return where each machine shall go; ``solver`` is asked where the planner's own search leaves something open.

    Of hosts that are equally good a machine goes to the one that it was ``announced`` to go to. ``given``: hosts by machine
    name (case folded) that are not chosen any more; ``without``: names (case folded) of machines that stay where they are.
    """
    order = OwnOrder(announced_hosts(announced))
    chooser, moves, blocked = _chosen(fleet, rules, assumptions, Decision(dict(given), frozenset(given)), order, without)
    first = chooser.first_choice()
    decision = decide_together(fleet, rules, first, solver)
    failed = frozenset(drift.subject for drift in first.failed)
    if decision is not None and decision.better:
        decision = decision.with_given(given)
        _, again, still_blocked = _chosen(fleet, rules, assumptions, decision, order, without)
        if len(still_blocked) <= len(blocked):
            return Choice(again, still_blocked, decision.proven, failed, decision)
    return Choice(moves, blocked, True, failed, decision)


def _chosen(
    fleet: Fleet, rules: Rules, assumptions: Assumptions, decision: Decision, order: OwnOrder, without: frozenset[str]
) -> tuple["_Chooser", list[Move], list[Blocked]]:
    """Choose, counting on the room of all who must go; once more without those who turn out to have nowhere to go."""
    staying = frozenset[str]()
    for attempt in range(PATIENCE):
        counted = None if attempt == PATIENCE - 1 else staying
        chooser = _Chooser(fleet, rules, assumptions, decision, order, counted, without)
        moves, blocked = chooser.choose()
        if not (stuck := chooser.counted_on_in_vain()):
            break
        staying |= stuck
    return chooser, moves, blocked


class _Chooser:
    """``staying``: names of machines that free no room, though they should go; None: count on nobody before it has a place."""

    def __init__(
        self,
        fleet: Fleet,
        rules: Rules,
        assumptions: Assumptions,
        decision: Decision,
        order: OwnOrder,
        staying: frozenset[str] | None = frozenset(),
        without: frozenset[str] = frozenset(),
    ) -> None:
        self._fleet, self._rules, self._assumptions = fleet, rules, assumptions
        self._decision, self._order, self._without = decision, order, without
        self._failed: list[MachineDrift] = []
        self._sorted: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._open: dict[int, int] = {}
        self._moves: list[Move] = []
        self._blocked: list[Blocked] = []
        self._room = {name: self._room_at(name) for name in fleet.host_names}
        self._closed = frozenset(name for name in fleet.host_names if host_refusal(fleet, name))
        self._mending = self._machines_to_mend()
        self._positions = self._settled_positions()
        self._drives = Drives(fleet, (drift for drift in self._concerned if self._will_go(drift)))
        self._counted_on = self._count_on_leavers(staying)

    def choose(self) -> tuple[list[Move], list[Blocked]]:
        for drift in self._in_order():
            if drift.status in STATUS_CODES:
                code, remedy = STATUS_CODES[drift.status]
                self._blocked.append(as_blocked(drift, Refusal(code, code, drift.finding, remedy)))
            elif self._must_go(drift):
                self._place(drift, self._options(drift))
            elif drift.files and drift.host is not None:
                self._place(drift, [self._option(drift, drift.host, alone=True)])
        if self._fleet.desired.policy.planning.preferences is Preferences.MOVE:
            for drift in self._in_order(also_settled=True):
                self._better_place(drift)
        return self._moves, self._blocked

    def first_choice(self) -> FirstChoice:
        """Return what was chosen, for a second look at all machines together."""
        return FirstChoice(self._room, self._positions, self._moves, self._failed, self._routes, self._choices)

    def _routes(self, drift: MachineDrift, most: int) -> list[Move]:
        """Return moves to the hosts that the machine could go to, if room and rules allow; the preferred ones first.

        Of many hosts, those with most room are looked at, up to ``most``.
        """
        home = (drift.host or "").casefold()
        others = [host for host in self._candidates(drift) if host.casefold() != home and host not in self._closed]
        if len(others) > most:
            others.sort(key=lambda host: (-(self._room.get(host) or 0), host.casefold()))
        found = (
            move
            for host in others
            if isinstance(move := self._route(drift, host), Move) and not self._drives.could_never_hold(move)
        )
        return sorted(islice(found, most), key=lambda move: self._preference(drift, move))

    def counted_on_in_vain(self) -> frozenset[str]:
        """Return the names of machines whose room was given to others, and who stay where they are."""
        going = {move.drift.machine.name for move in self._moves if move.changes_host}
        return frozenset(self._counted_on - going)

    def _count_on_leavers(self, staying: frozenset[str] | None) -> set[str]:
        """Add the room that machines with a choice of hosts will free where they are, whichever of these they go to."""
        counted: set[str] = set()
        if staying is None:
            return counted
        for drift in self._concerned:
            machine, home = drift.observed, drift.host or ""
            if machine is None or drift.machine.name in staying or not self._will_go(drift) or not self._has_choice(drift):
                continue
            room = self._room.get(home)
            if machine.is_running and room is not None and home not in self._closed:
                self._room[home] = room + (machine.memory_mib or 0)
                counted.add(drift.machine.name)
            if self._drives.count_on(drift):  # what lies there has to go along, whichever host it is
                counted.add(drift.machine.name)
        return counted

    def _room_at(self, name: str) -> int | None:
        room = self._fleet.memory_room(name)
        return None if room is None else room + self._fleet.leaving_memory.get(name.casefold(), 0)

    def _in_order(self, *, also_settled: bool = False) -> list[MachineDrift]:
        """Files only, then pinned machines, then flexible ones; the largest first, so that small ones fill the gaps.

        Machines that are in place and stay there, most of a large fleet, are left out unless asked for.
        """
        correct = Handling.CORRECT
        return sorted(
            (
                drift
                for drift in (self._fleet.drift.machines if also_settled else self._concerned)
                if drift.handling is correct
                and drift.machine.name.casefold() not in self._without
                and (
                    (also_settled or drift.files or self._must_go(drift))
                    if drift.status in SETTLED
                    else drift.status in STATUS_CODES
                )
            ),
            key=lambda drift: (
                self._choices(drift) if self._must_go(drift) else 0,
                -(drift.observed.memory_mib or 0) if drift.observed else 0,
                drift.machine.name.casefold(),
            ),
        )

    @cached_property
    def _concerned(self) -> Sequence[MachineDrift]:
        """The machines that may have to go somewhere, in their order; most of a large fleet is in place, and stays."""
        if not self._mending and not self._decision.making_room:
            return self._fleet.drift.unsettled
        in_place = MachineStatus.IN_PLACE
        return [one for one in self._fleet.drift.machines if one.status is not in_place or one.differs or self._must_go(one)]

    def _must_go(self, drift: MachineDrift) -> bool:
        if drift.wrong_host or drift.draining:
            return True
        name, decision = drift.machine.name, self._decision
        return name in self._mending or (bool(decision.making_room) and name.casefold() in decision.making_room)

    def _choices(self, drift: MachineDrift) -> int:
        placement = drift.machine.placement
        if drift.machine.name.casefold() in self._decision.hosts:
            return 1
        allowed = self._allowed(drift)
        if placement is not None and len(allowed) < 2:
            return len(allowed)
        if (known := self._open.get(id(allowed))) is None:  # one tuple for each list, and long ones are slow to hash
            known = self._open[id(allowed)] = sum(host not in self._closed for host in allowed)
        return 1 + known

    def _candidates(self, drift: MachineDrift) -> list[str]:
        """Return the hosts that it may go to: not the one that it is on, unless there is no other."""
        if (only := self._only_host(drift)) is not None:
            return [only]
        allowed, home = self._allowed(drift), (drift.host or "").casefold()
        return [name for name in allowed if name.casefold() != home] if len(allowed) > 1 else list(allowed)

    def _has_choice(self, drift: MachineDrift) -> bool:
        """Tell whether there are several candidates, without listing them where there are many."""
        return self._only_host(drift) is None and (len(self._allowed(drift)) > 2 or len(self._candidates(drift)) > 1)

    def _allowed(self, drift: MachineDrift) -> tuple[str, ...]:
        """Return the hosts that it may be on, sorted, each once; one tuple for all machines with the same list."""
        placement = drift.machine.placement
        names = placement.hosts if placement is not None else self._fleet.neighbours(drift.host or "")
        if id(names) not in self._sorted:  # one tuple for each list, and long ones are slow to hash
            unique = {name.casefold(): name for name in sorted(names)}
            self._sorted[id(names)] = names, tuple(unique[key] for key in sorted(unique))
        return self._sorted[id(names)][1]

    def _only_host(self, drift: MachineDrift) -> str | None:
        """Return the one host that is decided upon or given, as of most machines; None where there may be a choice."""
        if (decided := self._decision.hosts.get(drift.machine.name.casefold())) is not None:
            return decided
        placement = drift.machine.placement
        return placement.hosts[0] if placement is not None and len(placement.hosts) == 1 else None

    def _place(self, drift: MachineDrift, options: list[Move | Refusal]) -> None:
        """Choose a destination and remember what it takes and gives; or remember why there is none."""
        moves = [option for option in options if isinstance(option, Move)]
        if not moves:
            self._blocked.append(_no_host(drift, [one for one in options if isinstance(one, Refusal)], self._reason(drift)))
            self._positions.setdefault(drift.machine.name.casefold(), drift.host or "")
            if any(isinstance(one, Refusal) and one.reason in DEPENDS_ON_OTHERS for one in options):
                self._failed.append(drift)
            return
        best = moves[0] if len(moves) == 1 else min(moves, key=lambda move: self._preference(drift, move))
        bound_to_go = drift.wrong_host or drift.draining  # who mends a rule, or makes way, goes in somebody else's stead
        self._take(replace(best, least=self._least(drift, best)) if bound_to_go and best.route.migrations > 1 else best)

    def _least(self, drift: MachineDrift, best: Move) -> int:
        """Return how many migrations the machine takes at least, wherever it goes; an interim stop saves none."""
        others = [host for host in self._allowed(drift) if host != drift.host]
        if (sure := sure_to_take(drift)[0]) == best.route.migrations or len(others) > FEW_HOSTS:
            return sure
        routes = [one for host in others if isinstance(one := self._route(drift, host), Move)]
        return min((one.route.migrations for one in routes), default=sure)

    def _options(self, drift: MachineDrift) -> list[Move | Refusal]:
        """Return what speaks for or against each host, the most promising first, until no other can be better."""
        best: Preference | None = None
        options: list[Move | Refusal] = []
        crowded: list[str] = []
        if (only := self._only_host(drift)) is not None:
            return [self._option(drift, only, alone=True)]
        allowed, home = self._allowed(drift), (drift.host or "").casefold()
        if len(allowed) == 1 or (len(allowed) == 2 and any(name.casefold() == home for name in allowed)):
            return [self._option(drift, self._candidates(drift)[0], alone=True)]
        for promise, host in self._by_promise(drift):
            if best is not None and best <= promise:
                break
            if self._is_crowded(drift, host):
                crowded.append(host)
                continue
            option = self._option(drift, host, alone=False)
            options.append(option)
            if isinstance(option, Move):
                preference = self._preference(drift, option)
                best = preference if best is None else min(best, preference)
        # Hosts without room are asked only where there is no other, for the reasons they give.
        return options if best is not None else options + [self._option(drift, host, alone=False) for host in crowded]

    def _is_crowded(self, drift: MachineDrift, host: str) -> bool:
        room, machine = self._room.get(host), drift.observed
        return room is not None and machine is not None and machine.is_running and room < (machine.memory_mib or 0)

    def _by_promise(self, drift: MachineDrift) -> Iterator[tuple[Preference, str]]:
        """Yield hosts with the best preference that they could have (no more copied than must be), the best first."""
        migrations, copied = sure_to_take(drift)
        allowed, prefer, home = self._allowed(drift), _preferred(drift), (drift.host or "").casefold()
        names = {host.casefold(): host for host in allowed} if prefer else {}
        for rank, name in enumerate(prefer):
            if name in names and name != home and names[name] not in self._closed:
                yield (migrations, 0, 0, rank, copied, 0, ""), names[name]
        for host in self._order.walk(_identity(drift), allowed):
            name = host.casefold()
            if host not in self._closed and name != home and name not in prefer:
                distance = self._order.distance(_identity(drift), host)
                yield (migrations, 0, 0, len(prefer), copied, distance, name), host
        # These refuse everybody: they are asked last, for the reasons they give.
        closed = (host for host in allowed if host in self._closed and host.casefold() != home)
        yield from (((99, 0, 0, 0, 0, 0, host.casefold()), host) for host in closed)

    def _option(self, drift: MachineDrift, host: str, *, alone: bool) -> Move | Refusal:
        move = self._route(drift, host)
        return move if isinstance(move, Refusal) else self._rule_or_room_refusal(move, alone=alone) or move

    def _route(self, drift: MachineDrift, host: str) -> Move | Refusal:
        """Return how the machine would get there, whatever others do."""
        machine, source = drift.observed, drift.host
        if machine is None or source is None:
            return Refusal("unknown", "missing", drift.finding, "observe again")
        if host.casefold() == source.casefold() and drift.draining:
            finding = f"{source} is in maintenance, and its placement allows no other host"
            return Refusal("maintenance", "host-in-maintenance", finding, "allow another host, or end the maintenance")
        route = find_route(self._fleet, drift, machine, source, host)
        if isinstance(route, Refusal):
            return route
        reason = self._reason(drift)
        forced = not drift.files and drift.machine.storage.is_unmanaged
        if route.destination and route.storage and forced and reason != MAKES_ROOM:
            reason = "placement.storage"
        move = Move(drift, machine, source, route, reason)
        return role_refusal(self._fleet, move, self._assumptions) or move

    def _rule_or_room_refusal(self, move: Move, *, alone: bool) -> Refusal | None:
        """A pinned machine's room is judged when moves are put in order: there is nothing to choose."""
        if not move.changes_host:
            return None
        if refusal := self._rules.refusal(move.drift, move.target, self._positions):
            return refusal
        room = self._room.get(move.target)
        if alone:
            return None
        if refusal := self._drives.refusal(move):
            return refusal
        if room is None or room >= move.memory_mib:
            return None
        finding = f"{move.target} has room for {max(room, 0)} MiB and {move.memory_mib} MiB are needed"
        return Refusal("memory", "no-room", finding, "free memory there, lower the host's reserve, or allow more hosts")

    def _preference(self, drift: MachineDrift, move: Move) -> Preference:
        border = crossing(self._fleet, drift, move.machine, move.source, move.target)
        distance = self._order.distance(_identity(drift), move.target)
        wishes = self._wishes_left(drift, move.target)
        return (move.route.migrations, border.roles, *wishes, move.route.copied_bytes, distance, move.target.casefold())

    def _wishes_left(self, drift: MachineDrift, host: str) -> tuple[int, int]:
        """Preferred rules that the host would break, and how far down the machine's own list it stands."""
        return len(self._rules.disliked(drift, host, self._positions)), rank_of(drift, host)

    def _better_place(self, drift: MachineDrift) -> None:
        """Move a machine that may stay to where fewer wishes are left open, if there is such a place; nothing is blocked."""
        home = drift.host
        if drift.status is not MachineStatus.IN_PLACE or drift.differs or self._must_go(drift) or home is None:
            return
        now = self._wishes_left(drift, home)
        if now == (0, 0) or (now[0] == 0 and not _preferred(drift)):
            return
        options = [self._option(drift, host, alone=False) for host in self._candidates(drift) if host != home]
        better = [one for one in options if isinstance(one, Move) and self._wishes_left(drift, one.target) < now]
        if better:
            broken = self._rules.disliked(drift, home, self._positions)
            fewer = [one for one in better if self._wishes_left(drift, one.target)[0] < now[0]]
            reason = f"preferredRule/{broken[0].name}" if fewer else "placement.prefer"
            best = min(fewer or better, key=lambda move: (self._wishes_left(drift, move.target), self._preference(drift, move)))
            self._take(replace(best, reason=reason))

    def _take(self, move: Move) -> None:
        self._moves.append(move)
        self._positions[move.drift.machine.name.casefold()] = move.target
        frees = move.machine.is_running and move.drift.machine.name not in self._counted_on
        for host, change in ((move.target, -move.memory_mib), (move.source, move.memory_mib if frees else 0)):
            room = self._room.get(host)
            if room is not None:
                self._room[host] = room + change
        self._drives.take(move, frees=move.drift.machine.name not in self._counted_on)

    def _reason(self, drift: MachineDrift) -> str:
        if drift.wrong_host and drift.machine.placement is not None:
            return f"placement.{drift.machine.placement.field}"
        if drift.draining:
            return "host.maintenance"
        if drift.machine.name in self._mending:
            return f"placementRule/{self._mending[drift.machine.name]}"
        if drift.machine.name.casefold() in self._decision.making_room:
            rule = self._rule_that_it_follows(drift)
            return f"placementRule/{rule.name}" if rule else MAKES_ROOM
        return drift.files[0].field if drift.files else "placement"

    def _rule_that_it_follows(self, drift: MachineDrift) -> PlacementRule | None:
        """Return the rule that a machine mends by going, or that keeps it together with another one that was decided to go."""
        mended = (broken.rule for broken in self._fleet.drift.rules if drift.machine.name in broken.machines)
        if (rule := next(mended, None)) is not None:
            return rule
        decided, own = set(self._decision.hosts), drift.machine.name.casefold()
        together = (rule for rule in self._rules.of(drift) if rule.type is RuleType.AFFINITY)
        return next((rule for rule in together if decided & {name.casefold() for name in rule.virtual_machines} - {own}), None)

    def _settled_positions(self) -> dict[str, str]:
        """Where rule members will stand that no move of this plan concerns; those yet to be placed are left out."""
        if not self._rules.members:
            return {}
        going = {drift.machine.name.casefold() for drift in self._concerned if self._will_go(drift)}
        members = self._rules.members.items()
        return {name: member.settled for name, member in members if name not in going and member.settled}

    def _will_go(self, drift: MachineDrift) -> bool:
        is_settled = drift.handling is Handling.CORRECT and drift.status in SETTLED
        return is_settled and self._must_go(drift) and drift.machine.name.casefold() not in self._without

    def _machines_to_mend(self) -> dict[str, str]:
        """Machines that leave a place only because a required rule is broken there, with the rule."""
        self._mending = {}
        if self._fleet.desired.policy.drift is not Handling.CORRECT:
            return {}
        staying = [
            Broken(
                broken.rule,
                [drift for drift in self._drifts(broken.machines) if not self._will_go(drift)],
                [drift for drift in self._drifts(broken.rule.virtual_machines) if self._will_go(drift)],
            )
            for broken in self._fleet.drift.rules
        ]
        self._mending = who_leaves(self._rules, staying, self._closed)
        return self._mending

    def _drifts(self, names: tuple[str, ...]) -> list[MachineDrift]:
        """Return members of a rule that were found; one that is on its way counts where it will be."""
        wanted = {name.casefold() for name in names}
        found = [drift for drift in self._fleet.drift.machines if drift.machine.name.casefold() in wanted and drift.host]
        moving = MachineStatus.MOVING
        return [one._replace(host=one.destination) if one.status is moving and one.destination else one for one in found]


def _identity(drift: MachineDrift) -> str:
    """What a machine's own order of hosts hangs on: its VMId, which outlives its name."""
    return drift.observed.id if drift.observed else drift.machine.name


def rank_of(drift: MachineDrift, host: str) -> int:
    """Return how far down the machine's own list of preferred hosts one stands; those that are not on it come last."""
    prefer, name = _preferred(drift), host.casefold()
    return prefer.index(name) if name in prefer else len(prefer)


def _preferred(drift: MachineDrift) -> list[str]:
    placement = drift.machine.placement
    return list(dict.fromkeys(name.casefold() for name in placement.prefer)) if placement else []


def is_wish(move: Move) -> bool:
    """Tell whether only a wish asks for a move: its machine may stay where it is."""
    return move.reason.partition("/")[0] in WISHES


def _no_host(drift: MachineDrift, refusals: list[Refusal], field: str) -> Blocked:
    counts = dict(sorted(Counter(refusal.reason for refusal in refusals).items()))
    if len({(refusal.code, refusal.finding) for refusal in refusals}) == 1:
        return as_blocked(drift, refusals[0], counts, field, proven="space" not in counts)
    codes = {refusal.code for refusal in refusals}
    listed = "; ".join(sorted({refusal.finding for refusal in refusals})[:3])
    if not refusals:
        finding, remedy = "there is no host that it may go to", "allow more hosts in its placement"
    else:
        finding = f"none of the {len(refusals)} hosts it may go to takes it: {listed}"
        remedy = "; ".join(sorted({refusal.remedy for refusal in refusals})[:2])
    code = codes.pop() if len(codes) == 1 else "no-host"
    # Disk space is judged one machine at a time: had another one gone elsewhere, there might be enough.
    return as_blocked(drift, Refusal("none", code, finding, remedy), counts, field, proven="space" not in counts)
