"""A repository as a configuration names it, with a token of its own: for the service, which no pipeline starts."""

import base64
from collections.abc import Callable
from typing import Final

from reconciler.clock import Clock
from reconciler.forges.azure_devops import AzureDevOpsRepository
from reconciler.forges.github import GitHubRepository
from reconciler.forges.gitlab import GitLabRepository
from reconciler.forges.port import Repository
from reconciler.forges.rest import Rest
from reconciler.report.forges import DIALECTS, ForgeName

ADDRESSES: Final = {ForgeName.GITHUB: "https://api.github.com", ForgeName.GITLAB: "https://gitlab.com/api/v4"}


def repository_of(name: ForgeName, repository: str, url: str | None, token: str, clock: Clock) -> Repository:
    """Return a repository: ``owner/name`` on GitHub, id or path on GitLab, ``project/repository`` on Azure DevOps.

    ``url`` is the root of the API; GitHub and GitLab have one of their own. Raises ValueError where it is missing.
    """
    root = url or ADDRESSES.get(name)
    if root is None:
        raise ValueError(f"{DIALECTS[name].title} needs url: https://dev.azure.com/ORGANISATION")
    return _MAKERS[name](root, repository, token, clock)


def _github(root: str, repository: str, token: str, clock: Clock) -> Repository:
    return GitHubRepository(_rest(ForgeName.GITHUB, root, "Authorization", f"Bearer {token}", clock), repository)


def _gitlab(root: str, repository: str, token: str, clock: Clock) -> Repository:
    return GitLabRepository(_rest(ForgeName.GITLAB, root, "PRIVATE-TOKEN", token, clock), repository)


def _azure_devops(root: str, repository: str, token: str, clock: Clock) -> Repository:
    """A personal access token goes as the password of nobody."""
    project, _, name = repository.partition("/")
    secret = "Basic " + base64.b64encode(f":{token}".encode()).decode("ascii")
    rest = _rest(ForgeName.AZURE_DEVOPS, root, "Authorization", secret, clock)
    return AzureDevOpsRepository(rest, project, name or project)


def _rest(name: ForgeName, root: str, header: str, secret: str, clock: Clock) -> Rest:
    return Rest(root, header, secret, clock, forge=DIALECTS[name].title)


_MAKERS: Final[dict[ForgeName, Callable[[str, str, str, Clock], Repository]]] = {
    ForgeName.GITHUB: _github,
    ForgeName.GITLAB: _gitlab,
    ForgeName.AZURE_DEVOPS: _azure_devops,
}
