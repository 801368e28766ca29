"""Which pull request a job is for: the variables that each forge's pipelines set, and the token that a person has to give."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from reconciler.clock import Clock
from reconciler.forges.azure_devops import AzureDevOps
from reconciler.forges.github import GitHub
from reconciler.forges.gitlab import GitLab
from reconciler.forges.port import Forge
from reconciler.forges.rest import Rest
from reconciler.model.problem import Problem
from reconciler.report.forges import DIALECTS, ForgeName

TOKENS: Final = {
    ForgeName.GITHUB: "GITHUB_TOKEN",
    ForgeName.GITLAB: "GITLAB_TOKEN",
    ForgeName.AZURE_DEVOPS: "SYSTEM_ACCESSTOKEN",
}
_HINTS: Final = {
    "GITHUB_TOKEN": "env: {GITHUB_TOKEN: '${{ github.token }}'}, with the permissions pull-requests: write and statuses: write",
    "GITLAB_TOKEN": "give a project access token of scope api as a masked variable; CI_JOB_TOKEN may not comment",
    "SYSTEM_ACCESSTOKEN": "hand it to the step: env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}",
}


class NoPullRequest(Exception):  # noqa: N818 - named for what it is
    """The environment does not name a pull request; ``problem`` says what is missing."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Job:
    """What a pipeline hands to a job. ``number`` is the pull request where one was named by hand."""

    environ: Mapping[str, str] = field(repr=False)
    clock: Clock
    number: int | None = None

    def needed(self, *names: str) -> str:
        """Return the first of these variables that is set; raise NoPullRequest where none is."""
        for name in names:
            if self.environ.get(name):
                return self.environ[name]
        finding = f"{' or '.join(names)} is not set"
        raise NoPullRequest(Problem("no-pull-request", finding, _HINTS.get(names[0], _USUAL), subject="comment"))

    def pull_request(self, name: str) -> int:
        """Return the number given by hand, or in a variable."""
        text = str(self.number) if self.number is not None else self.needed(name)
        if not text.isdigit():
            raise NoPullRequest(Problem("no-pull-request", f"{name} is no number", _USUAL, subject="comment"))
        return int(text)


_USUAL: Final = "run this in the pipeline of a pull request, or name it with --pull-request"


def forge_of(name: ForgeName, job: Job) -> Forge:
    """Return the pull request that a job is for."""
    return _MAKERS[name](job)


def run_url(name: ForgeName, environ: Mapping[str, str]) -> str | None:
    """Return where the job's own page is, as far as it can be told."""
    if name is ForgeName.GITLAB:
        return environ.get("CI_JOB_URL")
    if name is ForgeName.GITHUB:
        parts = [environ.get(part, "") for part in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
        return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else None
    parts = [environ.get(part, "") for part in ("SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECTID", "BUILD_BUILDID")]
    return f"{parts[0].rstrip('/')}/{parts[1]}/_build/results?buildId={parts[2]}" if all(parts) else None


def _rest(name: ForgeName, job: Job, root: str, header: str, form: str) -> Rest:
    token = job.needed(TOKENS[name]).strip()
    return Rest(root, header, form.format(token), job.clock, forge=DIALECTS[name].title)


def _github(job: Job) -> Forge:
    number = job.number or _github_number(job)
    rest = _rest(
        ForgeName.GITHUB, job, job.environ.get("GITHUB_API_URL") or "https://api.github.com", "Authorization", "Bearer {}"
    )
    return GitHub(rest, job.needed("GITHUB_REPOSITORY"), number, None if job.number else _github_head(job))


def _github_number(job: Job) -> int:
    """Return N of ``refs/pull/N/merge``."""
    parts = job.needed("GITHUB_REF").split("/")
    if len(parts) < 4 or parts[:2] != ["refs", "pull"] or not parts[2].isdigit():
        raise NoPullRequest(Problem("no-pull-request", "GITHUB_REF names no pull request", _USUAL, subject="comment"))
    return int(parts[2])


def _github_head(job: Job) -> str | None:
    """GITHUB_SHA is the merge that was checked out; a status belongs on the head, which only the event names."""
    try:
        event: Any = json.loads(Path(job.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        return str(event["pull_request"]["head"]["sha"])
    except (KeyError, TypeError, OSError, ValueError):
        return None


def _gitlab(job: Job) -> Forge:
    number = job.pull_request("CI_MERGE_REQUEST_IID")
    rest = _rest(ForgeName.GITLAB, job, job.needed("CI_API_V4_URL"), "PRIVATE-TOKEN", "{}")
    project = job.needed("CI_MERGE_REQUEST_PROJECT_ID", "CI_PROJECT_ID")
    return GitLab(rest, project, number, job.environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or None)


def _azure_devops(job: Job) -> Forge:
    number = job.pull_request("SYSTEM_PULLREQUEST_PULLREQUESTID")
    rest = _rest(ForgeName.AZURE_DEVOPS, job, job.needed("SYSTEM_COLLECTIONURI"), "Authorization", "Bearer {}")
    project = job.needed("SYSTEM_TEAMPROJECTID", "SYSTEM_TEAMPROJECT")
    return AzureDevOps(rest, project, job.needed("BUILD_REPOSITORY_ID"), number)


_MAKERS: Final[dict[ForgeName, Callable[[Job], Forge]]] = {
    ForgeName.GITHUB: _github,
    ForgeName.GITLAB: _gitlab,
    ForgeName.AZURE_DEVOPS: _azure_devops,
}
