"""What the store remembers, as people and pipelines read it: one event for each entry that says something to them."""

from datetime import datetime
from typing import Literal

from reconciler.model.document import API_VERSION, Document


class HistoryEvent(Document):
    """One thing that happened: when, what, to whom, on whose behalf, for which desired state, and why.

    ``what`` is a word such as planned, started, done, failed, held, released. ``seal`` is the entry's link in the chain.
    """

    number: int
    at: datetime
    what: str
    subject: str | None = None
    id: str | None = None
    actor: str = ""
    command: str = ""
    revision: str | None = None
    digest: str | None = None
    action: str | None = None
    source: str | None = None
    destination: str | None = None
    detail: str = ""
    because: str | None = None
    seconds: float | None = None
    overrides: tuple[str, ...] = ()
    seal: str = ""


class History(Document):
    """Events, oldest first. ``overrides`` counts how often each guard rail was passed; ``more``: older events were left out.

    ``breaches`` says what is wrong with the chain of entries; None where it was not asked for.
    """

    api_version: Literal["reconciler/v1"] = API_VERSION
    kind: Literal["History"] = "History"
    events: tuple[HistoryEvent, ...] = ()
    overrides: dict[str, int] = {}
    more: bool = False
    breaches: tuple[str, ...] | None = None
