"""What the forges accept: how long a comment may be, as a table. All three fold ``<details>`` and show tables."""

from dataclasses import dataclass
from enum import StrEnum


class ForgeName(StrEnum):
    """The forges that previews are written for."""

    GITHUB = "github"
    GITLAB = "gitlab"
    AZURE_DEVOPS = "azure-devops"


@dataclass(frozen=True, slots=True)
class Dialect:
    """``limit`` is the forge's own, in characters; ``title`` is how people call it."""

    title: str
    limit: int

    @property
    def room(self) -> int:
        """What we fill: a little less, for forges count some characters more than once."""
        return self.limit - self.limit // 50


# GitHub says 65,536 and GitLab 1,000,000 in their errors; 150,000 of Azure DevOps is not documented but kept by its clients.
DIALECTS = {
    ForgeName.GITHUB: Dialect("GitHub", 65_536),
    ForgeName.GITLAB: Dialect("GitLab", 1_000_000),
    ForgeName.AZURE_DEVOPS: Dialect("Azure DevOps", 150_000),
}
