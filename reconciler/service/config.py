"""The service's own configuration, one YAML file of the controller's machine; never part of the desired state.

Whoever may change a placement must not be able to turn off approval, follow another repository or open a port. Unknown fields
are refused with their place, and secrets stand in files of their own that only their owner can read.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from reconciler.model.problem import Problem
from reconciler.published.redaction import Redaction
from reconciler.report.forges import ForgeName

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class ConfigError(Exception):
    """The configuration cannot be used; ``problems`` say where and why."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class Part(BaseModel):
    """One block of the file; camelCase there, snake_case here, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class SignaturesConfig(Part):
    """Signatures that commits must have. ``signers`` by folder ("" is everywhere): SSH principals or GPG fingerprints."""

    allowed_signers: Path | None = None
    signers: dict[str, tuple[str, ...]] = {}


class GitConfig(Part):
    """A branch to follow. ``poll_seconds`` gets a jitter of a tenth, so that many services do not ask at once."""

    url: str
    branch: str = "main"
    path: str = "desired-state"
    clone: Path | None = None
    poll_seconds: Seconds = 60
    rewritten_history: Literal["refuse", "follow"] = "refuse"
    signatures: SignaturesConfig | None = None

    @field_validator("url")
    @classmethod
    def _no_password(cls, url: str) -> str:
        if urlsplit(url).password:
            raise ValueError("a URL with a password would stand in process lists; use a credential helper or an SSH key")
        if url.startswith("-"):
            raise ValueError("a URL does not begin with a dash")
        return url

    @field_validator("branch")
    @classmethod
    def _plain_branch(cls, branch: str) -> str:
        if not branch or branch.startswith("-") or any(sign in branch for sign in " ~^:?*[\\") or ".." in branch:
            raise ValueError("give the name of a branch, such as main")
        return branch


class FolderConfig(Part):
    """A folder to watch; it is also looked at every ``poll_seconds``, because network shares lose events."""

    path: Path
    poll_seconds: Seconds = 30


class SourceConfig(Part):
    """Just one of the two. ``grace_seconds``: how long a source may be unreadable before nothing new is started."""

    git: GitConfig | None = None
    folder: FolderConfig | None = None
    grace_seconds: Annotated[float, Field(ge=0, le=604_800)] = 900

    @model_validator(mode="after")
    def _one(self) -> "SourceConfig":
        if (self.git is None) == (self.folder is None):
            raise ValueError("give just one of git and folder")
        return self


class TlsConfig(Part):
    """PEM files of the API's certificate (with its chain) and key."""

    certificate: Path
    key: Path


class ApiConfig(Part):
    """The HTTP API. Loopback unless said; elsewhere only with TLS."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8780
    tls: TlsConfig | None = None
    tokens: Path | None = None
    webhook_secret: Path | None = None
    requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 600
    maximum_archive_bytes: Annotated[int, Field(ge=1_024, le=256 * 1024**2)] = 16 * 1024**2
    preview_seconds: Seconds = 60

    @model_validator(mode="after")
    def _closed(self) -> "ApiConfig":
        if self.host not in ("127.0.0.1", "::1", "localhost") and self.tls is None:
            raise ValueError("an address other than loopback needs tls: {certificate, key}")
        return self


class NoticesConfig(Part):
    """``targets``: a file with one notification address (Apprise URL) a line; it holds secrets."""

    targets: Path
    settle_seconds: Seconds = 60
    settle_drift_seconds: Seconds = 900
    repeat_seconds: Seconds = 3600


class ForgeConfig(Part):
    """Where the commits come from as pull requests. ``repository`` is ``owner/name``, on Azure DevOps ``project/repository``.

    ``url`` is the root of its API, ``token`` a file with a token that may comment and set statuses; ``fleet`` is a name where
    one repository serves several.
    """

    name: ForgeName
    repository: Annotated[str, Field(min_length=1)]
    url: str | None = None
    token: Path
    fleet: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$")] = ""

    @model_validator(mode="after")
    def _reachable(self) -> "ForgeConfig":
        if self.name is ForgeName.AZURE_DEVOPS and self.url is None:
            raise ValueError("give url: https://dev.azure.com/ORGANISATION, or that of the server's collection")
        return self


class PublishConfig(Part):
    """What was seen, redacted and signed with ``sign_key``: at ``/api/v1/observation/signed`` and, where named, in a file."""

    sign_key: Path
    file: Path | None = None
    redact: tuple[Redaction, ...] = tuple(Redaction)


class LogConfig(Part):
    """One line a fact, as JSON or as text."""

    format: Literal["json", "text"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class ServiceConfig(Part):
    """The whole file. ``mode: report`` never changes a host. Relative paths are relative to the file."""

    source: SourceConfig
    mode: Literal["apply", "report"] = "apply"
    approval: Literal["none", "required"] = "none"
    interval_seconds: Seconds = 300
    state: Path | None = None
    winrm: Path | None = None
    api: ApiConfig | None = ApiConfig()
    notices: NoticesConfig | None = None
    publish: PublishConfig | None = None
    forge: ForgeConfig | None = None
    log: LogConfig = LogConfig()

    @model_validator(mode="after")
    def _commits_have_requests(self) -> "ServiceConfig":
        if self.forge is not None and self.source.git is None:
            raise ValueError("forge: only commits have pull requests; follow git, or leave it out")
        return self

    @property
    def interval(self) -> timedelta:
        """How long a look at the whole fleet stays the newest, at most."""
        return timedelta(seconds=self.interval_seconds)


def service_config(text: str, name: str, folder: Path) -> ServiceConfig:
    """Return the configuration in a YAML text; paths in it count from ``folder``. Raises ConfigError."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}" if mark else name
        raise ConfigError(
            (Problem("not-yaml", f"not YAML: {_first_line(error)}", "correct the line", subject=place),)
        ) from error
    if not isinstance(data, dict):
        finding = "the file holds no settings"
        raise ConfigError((Problem("no-settings", finding, "see docs/service.md for an example", subject=name),))
    try:
        return ServiceConfig.model_validate(_rooted(data, folder))
    except ValidationError as error:
        raise ConfigError(tuple(_problem(found, name) for found in error.errors())) from error


PATHS = frozenset(
    {
        "path",
        "clone",
        "allowedSigners",
        "certificate",
        "key",
        "tokens",
        "webhookSecret",
        "targets",
        "state",
        "winrm",
        "signKey",
        "file",
        "token",
    }
)


def _rooted(data: Any, folder: Path, parent: str = "") -> Any:
    """Relative paths count from the file, whatever the service's working folder is; a path inside Git is none of them."""
    if not isinstance(data, dict):
        return data
    return {
        key: str(folder / value)
        if key in PATHS and isinstance(value, str) and (parent, key) != ("git", "path")
        else _rooted(value, folder, key)
        for key, value in data.items()
    }


def _problem(found: Any, name: str) -> Problem:
    field = ".".join(str(part) for part in found["loc"]) or "the file"
    said = str(found["msg"]).removeprefix("Value error, ")
    what = "unknown field" if found["type"] == "extra_forbidden" else said[:1].lower() + said[1:]
    return Problem("bad-setting", f"{field}: {what}", "see docs/service.md for every setting", subject=name)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error).splitlines()[0]
