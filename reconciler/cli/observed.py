"""Where a preview's observation comes from: a saved one, a signed one from a file or an address, or the hosts themselves."""

from datetime import timedelta
from pathlib import Path

from reconciler.cli.console import fail
from reconciler.cli.inputs import observation_or_fail
from reconciler.clock import Clock
from reconciler.files import FileProblem, read_document, read_observation
from reconciler.model.desired import Desired
from reconciler.model.exit_codes import ExitCode
from reconciler.model.observation import Observation
from reconciler.model.problem import Problem
from reconciler.published.envelope import SignatureProblem, looks_signed, opened
from reconciler.published.fetch import fetched, is_address
from reconciler.published.keys import read_public_key


def given_observation_or_fail(given: str, keys: list[str], maximum_age: float, clock: Clock) -> Observation:
    """Return the observation of a file or an address; with keys it must be signed by one of them, and young enough."""
    if is_address(given) and not keys:
        finding = "an observation from an address must be signed: anybody on the way could have written it"
        fail(Problem("usage", finding, "add --verify-key KEY", subject="--observation"), code=ExitCode.USAGE)
    try:
        if not keys:
            return _unsigned(given)
        content = fetched(given, clock)
        return opened(content, [read_public_key(key) for key in keys], clock.now(), timedelta(seconds=maximum_age))
    except (FileProblem, SignatureProblem) as error:
        fail(error.problem)


def live_observation_or_fail(trusted: Desired | None, config: Path | None, clock: Clock) -> Observation:
    """Ask the hosts that the base names. Those that only the head names are not asked.

    A change under review must not be able to point the credentials of whoever previews it at a machine of its own.
    """
    if trusted is None:
        finding = "the base revision has errors, and only hosts that it names are asked"
        fail(Problem("no-hosts", finding, "give an --observation", subject="preview"))
    return observation_or_fail(trusted, None, config, clock)


def _unsigned(given: str) -> Observation:
    if looks_signed(read_document(Path(given))):
        finding = "this observation is signed, and no key to check it was given"
        fail(Problem("usage", finding, "add --verify-key KEY", subject=given), code=ExitCode.USAGE)
    return read_observation(Path(given))
