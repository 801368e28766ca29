"""``reconciler approve``: let one plan start, once, where a service waits for approval; in its store, or through its API."""

import json
import os
import re
from pathlib import Path
from typing import Annotated, Final

import typer

from reconciler.cli.arguments import StateFile
from reconciler.cli.console import fail, finish, print_data
from reconciler.clock import Clock
from reconciler.desired.yaml_reader import decode
from reconciler.files import FileProblem, read_document, read_plan, read_preview
from reconciler.model.exit_codes import ExitCode
from reconciler.model.plan import Plan
from reconciler.model.problem import Problem
from reconciler.store import Access, StoreError
from reconciler.store.kinds import PLAN_APPROVED
from reconciler.store.plans import approval_data
from reconciler.web import WebBounds, WebError, request
from reconciler.wiring import open_store, system_clock

TOKEN: Final = "RECONCILER_TOKEN"
FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")
BOUNDS: Final = WebBounds(64 * 1024, 60)


def approve(
    what: Annotated[
        str, typer.Argument(metavar="PLAN|PREVIEW|FINGERPRINT", help="A saved plan or preview, or a fingerprint in full.")
    ],
    service: Annotated[
        str | None,
        typer.Option("--service", metavar="URL", help=f"The service's address; its token is taken from {TOKEN}."),
    ] = None,
    state: StateFile = None,
) -> None:
    """Let one plan start, once, where the service waits for approval: that very content, and nothing else."""
    fingerprint, plan = _approved(what)
    clock = system_clock()
    if service is not None:
        print_data(_ask(service, fingerprint, clock))
        finish(ExitCode.DONE)
    try:
        with open_store(state, clock, command="approve", access=Access.RECORD) as store:
            store.append(PLAN_APPROVED, approval_data(fingerprint, plan))
    except StoreError as error:
        fail(error.problem)
    print_data(f"Approved, for once: plan {fingerprint}. A service that waits for it starts it at its next pass.")
    finish(ExitCode.DONE)


def _approved(what: str) -> tuple[str, Plan | None]:
    """Return the fingerprint, and the plan where it is at hand. Of a preview it is that of the plan after the merge."""
    if FINGERPRINT.fullmatch(what):
        return what, None
    try:
        kind = _kind_of(Path(what))
        if kind == "Preview":
            return _head_of(what), None
        plan = read_plan(Path(what))
    except FileProblem as error:
        fail(error.problem)
    return plan.fingerprint, plan


def _kind_of(file: Path) -> str:
    try:
        data = json.loads(decode(read_document(file)))
    except (ValueError, RecursionError):
        return ""
    return str(data.get("kind")) if isinstance(data, dict) else ""


def _head_of(file: str) -> str:
    preview = read_preview(Path(file))
    if preview.head.fingerprint is None or not preview.applicable:
        finding = "the desired state of the change has errors, or a guard rail stands in its way"
        fail(Problem("nothing-to-approve", finding, "approve a change that can be applied", subject=file))
    return preview.head.fingerprint


def _ask(service: str, fingerprint: str, clock: Clock) -> str:
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        remedy = "make one with 'reconciler token NAME --role operator' and hand it over in that variable"
        fail(Problem("no-token", f"{TOKEN} is not set", remedy, subject="approve"))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
    body = json.dumps({"fingerprint": fingerprint}).encode("ascii")
    try:
        answer = request("POST", f"{service.rstrip('/')}/api/v1/approve", headers, body, BOUNDS, clock)
    except WebError as error:
        fail(Problem("cannot-reach", str(error), "check the address, and that this machine may reach it", subject="service"))
    said = _said(answer.content)
    if answer.status != 200:
        remedy = "the token needs the role operator" if answer.status in (401, 403) else "see the service's log"
        fail(Problem("not-approved", f"the service answers {answer.status}: {said}", remedy, subject="service"))
    return said


def _said(content: bytes) -> str:
    """Return the sentence of an answer; it is somebody else's text, so only so much of it."""
    try:
        data = json.loads(content)
        told = data.get("message") or data.get("error", {}).get("message")
    except (ValueError, RecursionError, AttributeError):
        told = None
    return str(told or "no reason given")[:300]
