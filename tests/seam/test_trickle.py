"""A host that never stops answering and never ends: the deadline holds all the same."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from reconciler.hosts.port import Call, FailureKind, Survey, Target
from reconciler.hosts.winrm.adapter import WinRmHosts
from reconciler.hosts.winrm.breaker import Breakers
from reconciler.hosts.winrm.config import Secret, WinRmConfig


@contextmanager
def trickling(beginning: bytes) -> Iterator[str]:
    """A listener that answers every request with this and then a letter now and then, as long as the test lasts; its URL."""
    over = threading.Event()

    def trickle(line: socket.socket) -> None:
        with line, suppress(OSError):
            if line.recv(65_536):
                line.sendall(beginning)
                while not over.wait(0.05):
                    line.sendall(b"a")

    def listen() -> None:
        with suppress(OSError):
            while not over.is_set():
                line, _ = listener.accept()
                talks.append(threading.Thread(target=trickle, args=(line,)))
                talks[-1].start()

    talks: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listening = threading.Thread(target=listen)
        listening.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/wsman"
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        for thread in (listening, *talks):
            thread.join()


@pytest.mark.parametrize(
    "beginning", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"], ids=["headers", "body"]
)
def test_a_host_that_sends_a_letter_now_and_then_is_left_at_the_deadline(beginning: bytes) -> None:
    """A read time-out counts between two letters, so it alone would listen for ever."""
    with trickling(beginning) as url:
        config = WinRmConfig(username="u", password=Secret("p"), scheme="http", endpoints={"hv1": url}, deadline_seconds=1)
        hosts = WinRmHosts(config, breakers=Breakers())
        failures = []
        asking = threading.Thread(
            target=lambda: failures.append(hosts.ask([Call(Target("hv1", "hv1"), Survey())])[0].failure), daemon=True
        )
        asking.start()
        asking.join(timeout=20)

        assert not asking.is_alive()
        assert failures[0] is not None
        assert (failures[0].kind, "did not answer in time" in failures[0].finding) == (FailureKind.UNREACHABLE, True)
        hosts.close()
