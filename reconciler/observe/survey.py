"""One survey: one question to every host, side by side, and one Observation made of the answers. Reading changes nothing."""

from collections.abc import Sequence

from reconciler.clock import Clock
from reconciler.hosts.port import Call, Hosts, Survey, Target
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.observe.merge import merge_answers


def targets_of(desired: Desired) -> tuple[Target, ...]:
    """Return the hosts that the desired state names, with the addresses to reach them at."""
    return tuple(Target(host.name, host.address) for host in desired.hosts)


def survey(hosts: Hosts, targets: Sequence[Target], clock: Clock, known: Sequence[Target] = ()) -> Observation:
    """Ask every target and return what was seen; a host that did not answer stands there with the reason.

    ``known`` are hosts that are not asked, and that those asked may speak of by other names than ours. Facts count from the
    moment before the question went out: an answer can only be younger than that.
    """
    asked_at = clock.now()
    answers = hosts.ask([Call(target, Survey()) for target in targets])
    return merge_answers(answers, asked_at, known)
