"""Rounds of real life: ``reconciler apply`` in a process, its store in a file, the fleet's endpoints in a process of their own.

In each round another desired state is applied while the controller is killed, stopped or cut off at random moments; then it is
applied in peace. Shares nothing with the simulation: no checker, no virtual time. ``python -m tests.harness.rounds 50 [seed]``.
"""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.harness.cuttable import Relay
from tests.harness.fleet import HOSTS, MACHINES, fleet, id_of, write_wishes
from tests.harness.witness import wrongs

PROGRAM = (sys.executable, "-m", "reconciler")
SPEED = 60
PEACEFUL_RUNS = 6


class Harness:
    """A fleet served by one process, with a relay before each endpoint, and controllers against it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.rng, self.done = folder, random.Random(seed), Counter[str]()
        self.events, self.config = folder / "events.jsonl", folder / "config.yaml"
        observation = folder / "fleet.json"
        observation.write_text(json.dumps(fleet().to_json()), encoding="utf-8")
        served = folder / "served.yaml"
        options = ("--observation", observation, "--speed", SPEED, "--write-config", served, "--events", self.events)
        self.server = subprocess.Popen([*PROGRAM, "simulate", *map(str, options)], stdout=subprocess.DEVNULL)
        self.relays = self._relays(_wait_for(served))

    def _relays(self, served: dict[str, Any]) -> list[Relay]:
        relays, urls = [], {}
        for name, url in served["endpoints"].items():
            parts = urlsplit(url)
            relays.append(Relay((str(parts.hostname), int(parts.port or 0))))
            urls[name] = parts._replace(netloc=f"127.0.0.1:{relays[-1].port}").geturl()
        self.config.write_text(yaml.safe_dump(served | {"endpoints": urls}), encoding="utf-8")
        self.config.chmod(0o600)
        return relays

    def close(self) -> None:
        """Stop serving."""
        for relay in self.relays:
            relay.close()
        self.server.send_signal(signal.SIGINT)
        self.server.wait(30)

    def round(self, number: int) -> list[str]:
        """Apply a new desired state through trouble, then in peace; return what is wrong afterwards."""
        wishes = self.folder / "desired"
        wanted = write_wishes(wishes, self.rng)
        for _ in range(self.rng.randint(1, 3)):
            self._troubled(wishes)
        codes = []
        for _ in range(PEACEFUL_RUNS):
            codes.append(self._apply(wishes).wait(300))
            if codes[-1] == 0:
                break
        found = [] if codes[-1] == 0 else [f"apply ends with {codes}"]
        found += self._misplaced(wanted)
        time.sleep(0.5)
        protected = {id_of(name) for name, host in wanted.items() if HOSTS[host]}
        found += wrongs([json.loads(line) for line in self.events.read_text(encoding="utf-8").splitlines()], protected)
        return [f"round {number}: {one}" for one in found]

    def _apply(self, wishes: Path) -> "subprocess.Popen[bytes]":
        options = ("--config", self.config, "--state", self.folder / "state.sqlite3")
        errors = (self.folder / "errors.txt").open("ab")
        return subprocess.Popen([*PROGRAM, "apply", str(wishes), *map(str, options)], stdout=subprocess.DEVNULL, stderr=errors)

    def _troubled(self, wishes: Path) -> None:
        process = self._apply(wishes)
        time.sleep(self.rng.uniform(0.5, 5))
        trouble = self.rng.choice(("kill", "kill", "stop", "cut"))
        self.done[trouble] += 1
        if trouble == "stop":
            process.send_signal(signal.SIGSTOP)
            time.sleep(self.rng.uniform(0.2, 3))
            process.send_signal(signal.SIGCONT)
        elif trouble == "cut":
            for _ in range(self.rng.randint(1, 4)):
                self.rng.choice(self.relays).cut()
                time.sleep(self.rng.uniform(0, 0.3))
        if trouble != "kill":
            time.sleep(self.rng.uniform(0, 2))
        process.kill()
        process.wait(30)

    def _misplaced(self, wanted: dict[str, str]) -> list[str]:
        command = [*PROGRAM, "observe", "--config", str(self.config), "--output", "json", str(self.folder / "desired")]
        seen = _first_whole(command)
        places = {vm["name"]: (host["name"], vm) for host in seen["hosts"] for vm in host["virtualMachines"]}
        found = [] if sorted(places) == sorted(MACHINES) else [f"machines seen: {sorted(places)}"]
        for name, host in wanted.items():
            where, machine = places.get(name, ("nowhere", {}))
            if where != host or machine.get("state") != "Running":
                found.append(f"{name} is on {where}, wanted on {host}: {machine.get('state')}")
            elif HOSTS[host] and machine.get("highlyAvailable") is not True:
                found.append(f"{name} on {host} is not highly available")
        return found


def _first_whole(command: list[str]) -> dict[str, Any]:
    """Return the first observation in which every host answered; on a busy machine one may be late for a moment."""
    for _ in range(5):
        found = subprocess.run(command, capture_output=True, check=False, timeout=120)
        if found.returncode == 0:
            return dict(json.loads(found.stdout))
        time.sleep(2)
    raise RuntimeError(f"five times not every host answered: {found.stderr.decode(errors='replace')[-500:]}")


def _wait_for(file: Path) -> dict[str, Any]:
    for _ in range(1500):
        if file.exists() and file.read_text(encoding="utf-8").strip():
            return dict(yaml.safe_load(file.read_text(encoding="utf-8")))
        time.sleep(0.2)
    raise TimeoutError("the simulated fleet does not start")


def run(rounds: int, seed: int, folder: Path) -> tuple[list[str], Counter[str], int]:
    """Run rounds in a folder; return what went wrong, how often each trouble came, and how much happened in the fleet."""
    harness, found = Harness(folder, seed), list[str]()
    try:
        for number in range(1, rounds + 1):
            found += harness.round(number)
            print(f"round {number}: {'wrong' if found else 'as it should be'} {dict(harness.done)}", flush=True)  # noqa: T201
            if found:
                break
    finally:
        harness.close()
    return found, harness.done, len(harness.events.read_text(encoding="utf-8").splitlines())


def main() -> None:
    """Run the rounds that the command line asks for; exit 1 if anything was wrong."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        found, done, events = run(rounds, seed, Path(folder))
        told = "; ".join(found) or "nothing wrong"
        print(f"{rounds} rounds from seed {seed}, troubles {dict(done)}, {events} events in the fleet: {told}")  # noqa: T201
        if found:
            print((Path(folder) / "errors.txt").read_text(encoding="utf-8", errors="replace")[-3000:])  # noqa: T201
        sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
