"""From answers to an Observation, purely: names made ours, clusters and shares that several hosts report put together.

Hosts know each other by computer name or by address; the observation uses the names of the desired state throughout.
What one host cannot tell and another can is taken from the other; what nobody tells stays None, which is unknown.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from reconciler.hosts.port import Answer, HostReport, Target
from reconciler.model import paths
from reconciler.model.observation import Cluster, Host, Observation, Share, Volume
from reconciler.model.words import HostStatus


def merge_answers(answers: Sequence[Answer], asked_at: datetime, known: Iterable[Target] = ()) -> Observation:
    """Return the observation that these survey answers make; hosts in the order of their names."""
    names = _our_names([*known, *(answer.call.target for answer in answers)], answers)
    hosts = sorted((_host(answer, asked_at, names) for answer in answers), key=lambda host: host.name.casefold())
    reports = [(answer.call.target.name, answer.value) for answer in answers if isinstance(answer.value, HostReport)]
    return Observation(
        observed_at=asked_at,
        clusters=_clusters(report.cluster for _, report in reports if report.cluster),
        hosts=tuple(hosts),
        shares=_shares([(name, share) for name, report in reports for share in report.shares]),
    )


def _our_names(targets: Iterable[Target], answers: Iterable[Answer]) -> dict[str, str]:
    """Map every way a host may be called (name, address, first label of the address, computer name) to our name."""
    names: dict[str, str] = {}
    for target in targets:
        names |= dict.fromkeys((target.address.casefold(), target.address.split(".")[0].casefold()), target.name)
    for answer in answers:
        if isinstance(answer.value, HostReport):
            names.setdefault(answer.value.host.name.casefold(), answer.call.target.name)
    return names | {target.name.casefold(): target.name for target in targets}


def _host(answer: Answer, asked_at: datetime, names: dict[str, str]) -> Host:
    target = answer.call.target
    if not isinstance(answer.value, HostReport):
        failure = answer.failure
        problem = f"{failure.finding}; {failure.remedy}" if failure else "the answer was not a survey"
        return Host(name=target.name, address=target.address, status=HostStatus.UNREACHABLE, problem=problem)
    seen = answer.value.host
    migrations = tuple(
        job.model_copy(update={"destination": names.get(job.destination.casefold(), job.destination)})
        if job.destination
        else job
        for job in seen.migrations
    )
    ours = {"name": target.name, "address": target.address, "observed_at": asked_at, "migrations": migrations}
    return seen.model_copy(update=ours)


def _clusters(seen: Iterable[Cluster]) -> tuple[Cluster, ...]:
    merged: dict[str, Cluster] = {}
    for cluster in seen:
        first = merged.setdefault(cluster.name.casefold(), cluster)
        if first is not cluster:
            merged[cluster.name.casefold()] = _merge_cluster(first, cluster)
    return tuple(merged[name] for name in sorted(merged))


def _merge_cluster(first: Cluster, second: Cluster) -> Cluster:
    limit = first.maximum_parallel_migrations
    volumes: dict[str, Volume] = {}
    for volume in (*first.shared_volumes, *second.shared_volumes):
        key = paths.normal(volume.path)
        volumes[key] = _most_known(volumes[key], volume) if key in volumes else volume
    return first.model_copy(
        update={
            "maximum_parallel_migrations": second.maximum_parallel_migrations if limit is None else limit,
            "shared_volumes": tuple(volumes[key] for key in sorted(volumes)),
        }
    )


def _most_known(first: Volume, second: Volume) -> Volume:
    return second if first.free_bytes is None and second.free_bytes is not None else first


def _shares(seen: Sequence[tuple[str, Share]]) -> tuple[Share, ...]:
    merged: dict[str, Share] = {}
    users: dict[str, set[str]] = {}
    for host, share in seen:
        key = paths.normal(share.path)
        users.setdefault(key, set()).add(host)
        known = merged.get(key, share)
        merged[key] = share if known.free_bytes is None and share.free_bytes is not None else known
    return tuple(merged[key].model_copy(update={"hosts": tuple(sorted(users[key]))}) for key in sorted(merged))
