"""What a seed lives through: the size of the fleet, the length of the life, which classes of faults are switched on.

A swarm: each seed has a random subset of the classes, for many a mistake shows only where other faults are absent.
"""

from dataclasses import asdict, dataclass
from typing import Any

from reconciler.simulation.streams import Streams

FAULTS = {
    "connection-refused": "a host does not take the connection; nothing happened",
    "hang": "a host takes the question and never answers; nothing happened, and time has passed",
    "lost-reply": "the host did it, and the reply is lost",
    "lost-request": "nobody can tell whether the host did it; it did not",
    "late-request": "nobody can tell whether the host did it; it does, a while later",
    "slow-host": "the answer takes minutes",
    "stale-answer": "a survey tells what was so a while ago",
    "partial-answer": "a survey misses machines and says that it is not complete: once, or for hours",
    "hand-over": "around the end of a migration the machine is seen on both hosts, or on neither",
    "crash": "the controller is killed at a durable write or a remote call, before or after it",
    "freeze": "the controller stands still for minutes to hours between two calls",
    "clock-jump": "the controller's clock jumps by up to an hour, either way",
    "store-fails": "a write to the store fails: the disk is full",
    "store-lost": "the store is gone at the next start",
    "store-torn": "the last write is gone at the next start",
    "migration-fails": "a migration ends in an error after a part of its time",
    "migration-slow": "a migration takes many times as long, or stands still and then goes on",
    "outage": "a host cannot be reached for a while",
    "reboot": "a host restarts: its migrations fail, and it is away for minutes",
    "foreign-move": "somebody migrates a machine by hand",
    "cancel": "somebody cancels a migration",
    "limits-lowered": "somebody lowers or changes limits on a host, also while migrations run",
    "busy-machine": "a machine is being backed up for a while",
    "role-removed": "somebody takes a cluster role off",
    "machine-stopped": "somebody switches a machine off",
    "hold-by-hand": "somebody holds a machine, with an end or without, while the controller runs, and may release it",
}

# What is particular about a fleet and its people. Each makes situations frequent that would hardly ever come up by chance.
TRAITS = {
    "relays": "a machine leaves a host, and one that must keep apart from it takes its place in the same commit",
    "second-thoughts": "while a machine is on its way, another that must keep apart from it is sent where that leads instead",
    "rushes": "limits are raised, many machines are sent to one host, and the limits lowered while they are on their way",
    "large-swaps": "machines too large to be on one host for a moment change places, in and out of a cluster",
    "standby-nodes": "the first node of each cluster has much room to spare",
    "trouble-at-work": "hosts go away, tell only a part, or are meddled with just where a commit is being carried out",
    "returning-machines": "the host that is away at the end is one that machines came to from elsewhere; others follow them",
}


@dataclass(frozen=True, slots=True)
class Options:
    """A life, as one value. ``tightness`` is a host's memory over what its machines take; ``fault_rate`` is per call;
    ``service``: one controller looks again and again, instead of an ``apply`` at each occasion; it looks at the whole fleet
    every ``survey_seconds`` and only at the hosts concerned in between (0: always at the whole fleet)."""

    seed: int
    days: float
    hosts: int
    machines_per_host: int
    tightness: float
    commits: int
    acts: int
    look_every_hours: float
    fault_rate: float
    faults: tuple[str, ...]
    windows: bool
    rules: int
    dead_host: bool
    service: bool
    survey_seconds: float
    traits: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the options as plain JSON, as a failing seed prints and keeps them."""
        return asdict(self) | {"faults": list(self.faults), "traits": list(self.traits)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Options":
        """Return options that were kept; raise TypeError where a field is missing or unknown."""
        return cls(**(data | {"faults": tuple(data["faults"]), "traits": tuple(data.get("traits", ()))}))


def draw_options(seed: int) -> Options:
    """Return what the seed stands for: at least a week of 12 to 60 hosts, most of them small."""
    rng = Streams(seed).of("options")
    return Options(
        seed=seed,
        days=7 + rng.choice((0, 0, 0, 1)),
        hosts=rng.choices((rng.randint(12, 18), rng.randint(19, 30), rng.randint(31, 60)), (84, 13, 3))[0],
        machines_per_host=rng.choice((1, 2, 2, 3)),
        tightness=rng.choices((1.15, 1.3, 1.6, 2.0), (1, 2, 4, 4))[0],
        commits=rng.randint(8, 20),
        acts=rng.randint(8, 30),
        look_every_hours=rng.choice((6, 8, 12)),
        fault_rate=rng.choice((0.003, 0.01, 0.03)),
        faults=tuple(sorted(rng.sample(sorted(FAULTS), rng.choice((0, 3, 6, 10, 14, len(FAULTS)))))),
        windows=rng.random() < 0.35,
        rules=rng.choice((0, 1, 2, 4)),
        dead_host=rng.random() < 0.3,
        service=rng.random() < 0.5,
        survey_seconds=rng.choice((0, 300, 300, 900)),
        traits=tuple(sorted(rng.sample(sorted(TRAITS), rng.choice((0, 1, 2, 3, 4, len(TRAITS)))))),
    )
