"""A real pywinrm client for tests of the simulated hosts' service: no proxies, no environment, always closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import requests
from winrm.protocol import Protocol
from winrm.transport import Transport

from reconciler.simulator.endpoint import CommandResult, Credentials, EndpointFleet, Program, RunCommand, serve_fleet

ACCOUNT = Credentials("svc-reconciler", "p:ä ss")


class DirectTransport(Transport):
    """pywinrm's transport without proxies and environment."""

    def setup_encryption(self, session: requests.Session) -> None:
        harden(session)
        super().setup_encryption(session)

    def build_session(self) -> requests.Session:
        session = super().build_session()
        harden(session)
        return session


def harden(session: requests.Session) -> None:
    session.trust_env, session.proxies = False, {}


@contextmanager
def client(
    url: str,
    user: str = ACCOUNT.user,
    password: str = ACCOUNT.password,
    transport: Literal["ntlm", "basic"] = "ntlm",
    encryption: Literal["always", "never"] = "always",
    timeout: int = 20,
) -> Iterator[Protocol]:
    """A pywinrm client of an endpoint, its connection closed afterwards."""
    protocol = Protocol(url, operation_timeout_sec=timeout, read_timeout_sec=timeout + 10, username=user, password=password)
    protocol.transport = DirectTransport(
        endpoint=url,
        username=user,
        password=password,
        ca_trust_path="",
        auth_method=transport,
        message_encryption=encryption,
        read_timeout_sec=timeout + 10,
    )
    try:
        yield protocol
    finally:
        protocol.transport.close_session()


def echo(line: str, stdin: bytes) -> CommandResult:
    """A command that prints its command line and its input, complains, and fails with 3."""
    return CommandResult(line.encode() + b"|" + stdin, b"complaint", 3)


def one_host(run: RunCommand | Program = echo, **options: Any) -> EndpointFleet:
    return serve_fleet({"hv-01": run}, ACCOUNT, **options)


def run_to_end(protocol: Protocol, shell: str, line: str = "whoami", stdin: bytes | None = None) -> tuple[bytes, bytes, int]:
    command = protocol.run_command(shell, line, console_mode_stdin=stdin is None)
    if stdin is not None:
        protocol.send_command_input(shell, command, stdin, end=True)
    output: tuple[bytes, bytes, int] = protocol.get_command_output(shell, command)
    protocol.cleanup_command(shell, command)
    return output
