"""One cluster explained: nodes, the limit it puts on them, shared volumes, settings that differ, what crosses its border."""

from reconciler.explain.host import drift_of, explain_host, volume_room
from reconciler.explain.scene import Scene
from reconciler.explain.slots import cluster_slots
from reconciler.model.explanation import ClusterExplanation
from reconciler.model.plan import MachineStep
from reconciler.model.words import HostStatus


def explain_cluster(scene: Scene, name: str) -> ClusterExplanation:
    """Return all there is to say about one cluster."""
    wanted, told = scene.desired.cluster(name), scene.observation.cluster(name)
    nodes = tuple(explain_host(scene, node) for node in _nodes(scene, name))
    subject = f"cluster/{name}".casefold()
    joins, leaves = _border(scene, name)
    answering = next((node.name for node in nodes if node.status is HostStatus.OK), None)
    volumes = told.shared_volumes if told else ()
    return ClusterExplanation(
        name=name,
        because=str(wanted.source.place) if wanted else None,
        answer=_answer(len(nodes), sum(node.status is HostStatus.OK for node in nodes), len(joins), len(leaves)),
        address=wanted.address if wanted else None,
        maximum_parallel_migrations=cluster_slots(scene, name),
        nodes=nodes,
        volumes=tuple(volume_room(scene, answering, volume) for volume in volumes) if answering else (),
        drift=drift_of(scene, subject),
        settings=scene.settings_steps.get(subject, ()),
        joins=joins,
        leaves=leaves,
    )


def _nodes(scene: Scene, name: str) -> list[str]:
    names = {host.name.casefold(): host.name for host in scene.observation.hosts}
    names |= {host.name.casefold(): host.name for host in scene.desired.hosts}
    return [names[key] for key in sorted(names) if _is_in(scene, names[key], name)]


def _is_in(scene: Scene, host: str, cluster: str) -> bool:
    return (scene.fleet.cluster_of(host) or "").casefold() == cluster.casefold()


def _border(scene: Scene, name: str) -> tuple[tuple[MachineStep, ...], tuple[MachineStep, ...]]:
    """Return the steps that bring a machine into the cluster, and those that take one out."""
    joins: list[MachineStep] = []
    leaves: list[MachineStep] = []
    for step in scene.machine_steps:
        if step.destination is None or _is_in(scene, step.source, name) == _is_in(scene, step.destination, name):
            continue
        (leaves if _is_in(scene, step.source, name) else joins).append(step)
    return tuple(joins), tuple(leaves)


def _answer(nodes: int, answering: int, joins: int, leaves: int) -> str:
    traffic = f"{joins} to come in and {leaves} to go out by this plan" if joins or leaves else "nothing crosses its border"
    return f"{nodes} node{'' if nodes == 1 else 's'}, {answering} of them answer; {traffic}."
