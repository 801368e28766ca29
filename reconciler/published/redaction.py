"""What a published observation leaves out. Nothing here changes a plan: a law in the tests says so. Pure."""

from collections.abc import Callable, Iterable
from enum import StrEnum

from reconciler.model.observation import Host, Migration, Observation

HIDDEN = "redacted"


class Redaction(StrEnum):
    """What can be left out: DNS names of hosts, and sentences that Windows wrote about problems."""

    ADDRESSES = "addresses"
    NOTES = "notes"


def redacted(observation: Observation, what: Iterable[Redaction]) -> Observation:
    """Return the observation without these parts. What was unknown stays unknown, and what was there stays marked."""
    for one in sorted(set(what)):
        observation = _RULES[one](observation)
    return observation


def _without_addresses(observation: Observation) -> Observation:
    """A migration names its destination as Windows does, often by address: it gets the host's name instead."""
    names = {(host.address or host.name).casefold(): host.name for host in observation.hosts}

    def renamed(job: Migration) -> Migration:
        known = names.get((job.destination or "").casefold())
        return job.model_copy(update={"destination": known}) if known else job

    def bare(host: Host) -> Host:
        return host.model_copy(update={"address": None, "migrations": tuple(map(renamed, host.migrations))})

    return observation.model_copy(update={"hosts": tuple(map(bare, observation.hosts))})


def _without_notes(observation: Observation) -> Observation:
    def silent(host: Host) -> Host:
        migrations = tuple(job.model_copy(update={"error": _hidden(job.error)}) for job in host.migrations)
        return host.model_copy(update={"problem": _hidden(host.problem), "migrations": migrations})

    return observation.model_copy(update={"hosts": tuple(map(silent, observation.hosts))})


def _hidden(text: str | None) -> str | None:
    return HIDDEN if text else text


_RULES: dict[Redaction, Callable[[Observation], Observation]] = {
    Redaction.ADDRESSES: _without_addresses,
    Redaction.NOTES: _without_notes,
}
