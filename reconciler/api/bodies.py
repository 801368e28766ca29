"""What the API's POST requests take, as documents: unknown fields are refused here, because an order must mean what it says."""

from typing import Annotated, TypeVar

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from reconciler.model.document import Document

Text = Annotated[str, Field(min_length=1, max_length=500)]


class Body(Document):
    """Base of all bodies."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")


class HoldBody(Body):
    """Why hands are off, and until when (with a zone); for good where that is left out."""

    reason: Text
    until: Annotated[AwareDatetime, Field(strict=True)] | None = None  # a number is no time that a person gave


class PauseBody(Body):
    """Why the whole fleet pauses."""

    reason: Text


class ApproveBody(Body):
    """The fingerprint of the plan, as ``reconciler plan`` prints it in full."""

    fingerprint: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class RevisionBody(Body):
    """A commit by its full name, or the revision of a folder."""

    revision: Annotated[str, Field(pattern=r"^[0-9a-zA-Z-]{7,64}$")]


B = TypeVar("B", bound=Body)


class BadBody(Exception):  # noqa: N818 - named for what it is
    """A body that does not say what it must; the message names each field."""


def body_of(kind: type[B], raw: bytes) -> B:
    """Return the body of that kind; raise BadBody."""
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, found['loc'])) or 'body'}: {found['msg']}" for found in error.errors())
        raise BadBody(said) from error
