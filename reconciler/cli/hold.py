"""``reconciler hold`` and ``reconciler release``: leave a machine alone from now on, and no longer."""

from datetime import datetime
from typing import Annotated

import typer

from reconciler.cli.arguments import DEFAULT_FOLDER, Folder, StateFile
from reconciler.cli.console import fail, finish, print_data
from reconciler.cli.inputs import desired_or_fail
from reconciler.desired.holding import machine_called
from reconciler.model.exit_codes import ExitCode
from reconciler.model.hold import MachineHold
from reconciler.model.problem import Problem
from reconciler.store import Access, StoreError
from reconciler.store.holds import HOLD_KINDS, active_holds, hold_data, release_data
from reconciler.store.kinds import HOLD, RELEASE
from reconciler.wiring import open_store, system_clock, who

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; shown wherever the machine is left alone.")]
Owner = Annotated[str | None, typer.Option("--owner", metavar="NAME", help="Whom to ask; default: you, as user@host.")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Its end, as 2026-12-01T00:00:00Z; default: none.")]


def hold(
    name: Annotated[str, typer.Argument(metavar="VM", help="Name or VMId, as in the desired state.")],
    reason: Reason,
    folder: Folder = DEFAULT_FOLDER,
    owner: Owner = None,
    until: Until = None,
    state: StateFile = None,
) -> None:
    """Leave a machine alone from now on, for an owner and a reason: nothing is started for it, also by an apply that runs."""
    desired, clock = desired_or_fail(folder), system_clock()
    machine = machine_called(desired, name)
    if isinstance(machine, Problem):
        fail(machine)
    end = _end(until, clock.now())
    placed = MachineHold(machine.name, owner or who(), _text(reason), clock.now(), machine.id, end, who())
    try:
        with open_store(state, clock, command="hold", desired=desired, access=Access.RECORD) as store:
            store.append(HOLD, hold_data(placed))
    except StoreError as error:
        fail(error.problem)
    ends = f"until {end:%Y-%m-%d %H:%MZ}" if end else "until it is released"
    print_data(f"Held: {machine.name}, for {placed.owner}, {ends} ({placed.reason}). What runs for it on the hosts goes on.")
    finish(ExitCode.DONE)


def release(
    name: Annotated[str, typer.Argument(metavar="VM", help="Name or VMId, as it was held.")],
    owner: Annotated[str | None, typer.Option("--owner", metavar="NAME", help="Only the hold of this owner.")] = None,
    state: StateFile = None,
) -> None:
    """Lift the runtime hold of a machine; where several owners hold it, one at a time. Holds in YAML are lifted there."""
    clock = system_clock()
    try:
        with open_store(state, clock, command="release", access=Access.RECORD) as store:
            holds = _held_as(name, active_holds(store.entries(kinds=HOLD_KINDS), clock.now()))
            lifted = _the_one(name, owner, holds)
            store.append(RELEASE, release_data(lifted))
    except StoreError as error:
        fail(error.problem)
    left = [one.owner for one in holds if one is not lifted]
    print_data(f"Released: {lifted.name}, held for {lifted.owner}." + (f" Still held for {', '.join(left)}." if left else ""))
    finish(ExitCode.DONE)


def _held_as(name: str, holds: tuple[MachineHold, ...]) -> list[MachineHold]:
    wanted = name.casefold()
    return [one for one in holds if wanted in (one.name.casefold(), (one.id or one.name).casefold())]


def _the_one(name: str, owner: str | None, holds: list[MachineHold]) -> MachineHold:
    """Nobody lifts another's hold by accident: where there are several, the owner must be named."""
    subject, owners = f"virtualMachine/{name}", ", ".join(one.owner for one in holds)
    found = [one for one in holds if owner is None or one.owner.casefold() == owner.casefold()]
    if not found:
        held = f"only {owners} hold it" if holds else "nobody holds it by 'reconciler hold'"
        remedy = (
            "name one of them with --owner"
            if holds
            else "a hold in YAML is lifted there (spec.hold); 'reconciler status' shows all"
        )
        fail(Problem("not-held", held, remedy, subject=subject))
    if len(found) > 1:
        fail(Problem("held-by-several", f"{owners} hold it", "say whose hold ends: --owner NAME", subject=subject))
    return found[0]


def _text(reason: str) -> str:
    if not reason.strip():
        fail(
            _usage("--reason", "a hold without a reason helps nobody who finds it", "say why, in a few words"),
            code=ExitCode.USAGE,
        )
    return reason.strip()


def _end(until: str | None, now: datetime) -> datetime | None:
    if until is None:
        return None
    try:
        end = datetime.fromisoformat(until)
    except ValueError:
        fail(_usage(f"--until {until}", "this is no time", "give a time such as 2026-12-01T00:00:00Z"), code=ExitCode.USAGE)
    if end.tzinfo is None:
        fail(_usage(f"--until {until}", "it names no time zone", "add Z, or an offset such as +01:00"), code=ExitCode.USAGE)
    if end <= now:
        fail(_usage(f"--until {until}", "this time is past", "name a time to come"), code=ExitCode.USAGE)
    return end


def _usage(subject: str, finding: str, remedy: str) -> Problem:
    return Problem("usage", finding, remedy, subject=subject)
