"""A simulated fleet on stage: the world, a WS-Man endpoint per host on loopback, and the configuration that reaches them.

This is what ``reconciler simulate`` and ``reconciler demo`` run, and what the end-to-end scenarios run against. The
controller's side of it is production code throughout: it only gets other addresses.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.clock import Clock
from reconciler.hosts.winrm.config import Secret, WinRmConfig
from reconciler.model.observation import Observation
from reconciler.simulator.endpoint import Credentials, EndpointFleet, hosts_of, serve_fleet
from reconciler.simulator.windows import WindowsHost, session_of
from reconciler.simulator.world import World

ACCOUNT = "CONTOSO\\reconciler"


@dataclass(frozen=True)
class Stage:
    """The world, its endpoints, and how to reach them."""

    world: World
    endpoints: EndpointFleet
    config: WinRmConfig


@contextmanager
def staged(
    observation: Observation, clock: Clock, *, first_port: int | None = None, password: str | None = None
) -> Iterator[Stage]:
    """Serve the fleet that an observation describes until the block ends. The password is drawn anew unless given."""
    world = World(observation, clock)
    user = ACCOUNT.partition("\\")[2]
    word = password or secrets.token_urlsafe(16)
    windows = {host.name: WindowsHost(host.name, world) for host in observation.hosts}
    runs = hosts_of(windows, lambda name, stdin: session_of(windows[name], stdin))
    with serve_fleet(
        runs,
        Credentials(user, word),
        first_port=first_port,
        is_reachable=world.is_reachable,
    ) as endpoints:
        config = WinRmConfig(username=ACCOUNT, password=Secret(word), endpoints=endpoints.urls)
        yield Stage(world, endpoints, config)
