"""Lives from seeds: nothing breaks an invariant, what broke once never does again, and the same seed is the same life."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.simulation import FAULTS, TRAITS, Options, draw_options, live
from reconciler.simulation.shrink import shrink

REGRESSIONS = json.loads((Path(__file__).parent / "regressions.json").read_text(encoding="utf-8"))
SEEDS = (2, 4)  # every day; `make simulate` lives through many more


@pytest.mark.parametrize("seed", SEEDS)
def test_a_week_of_fleet_life_breaks_no_invariant(seed: int) -> None:
    result = live(draw_options(seed))

    assert result.violation is None, json.dumps(result.options.to_json())


@pytest.mark.parametrize("kept", REGRESSIONS, ids=[kept["what"] for kept in REGRESSIONS])
def test_what_broke_once_does_not_break_again(kept: dict[str, object]) -> None:
    result = live(Options.from_json(kept["options"]))  # type: ignore[arg-type]

    assert result.violation is None


def test_the_same_seed_gives_the_same_log_byte_for_byte_under_any_hash_seed() -> None:
    program = (
        "from dataclasses import replace\n"
        "from reconciler.simulation import draw_options, live\n"
        "print(chr(10).join(live(replace(draw_options(2), days=1.5)).lines))"
    )
    logs = [
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "4711")
    ]

    assert logs[0] == logs[1]
    assert len(logs[0].splitlines()) > 200


def test_a_seed_lives_a_week_of_at_least_twelve_hosts_and_all_faults_come_up() -> None:
    drawn = [draw_options(seed) for seed in range(1, 301)]

    assert all(one.days >= 7 and 12 <= one.hosts <= 60 for one in drawn)
    assert {fault for one in drawn for fault in one.faults} == set(FAULTS)
    assert {trait for one in drawn for trait in one.traits} == set(TRAITS)
    assert any(not one.faults and not one.traits for one in drawn), "mistakes that faults would hide need lives without any"


def test_a_failing_life_is_made_small_while_the_same_invariant_breaks() -> None:
    """The stand-in for a life breaks S2 wherever hosts are cut off; all else about it is noise."""
    options = replace(draw_options(3), faults=tuple(sorted(FAULTS)))

    small = shrink(options, lambda one: "S2" if "outage" in one.faults else "S1" if one.days < 1 else None)

    assert small.faults == ("outage",)
    assert (small.hosts, small.commits, small.acts) < (options.hosts, options.commits, options.acts)


def test_options_survive_being_printed_and_read() -> None:
    options = draw_options(7)

    assert Options.from_json(json.loads(json.dumps(options.to_json()))) == options
