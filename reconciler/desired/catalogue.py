"""The documents of a desired state found by kind and name, before anything is resolved.

A document with a wrong shape still counts as a name, so that one slip in a host does not make every machine on it wrong.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.desired.documents import FieldPlaces, Path, YamlDocument
from reconciler.desired.schemas import KINDS, subject_of
from reconciler.model.desired import Source
from reconciler.model.problem import Problem, Severity

# The root of every host group tree, as in Virtual Machine Manager: it exists without a document and holds every host.
ROOT_GROUP: Final = "All Hosts"


@dataclass(frozen=True, slots=True)
class Entry:
    """One document with a kind and a name. ``is_sound``: its shape is right, so ``spec`` may be read."""

    kind: str
    name: str
    document: YamlDocument
    is_sound: bool

    @property
    def spec(self) -> dict[str, Any]:
        """The spec as plain data."""
        spec: dict[str, Any] = self.document.data["spec"]
        return spec

    @property
    def labels(self) -> dict[str, str]:
        """The labels."""
        return dict(self.document.data["metadata"].get("labels") or {})

    def problem(
        self, code: str, path: Path, finding: str, remedy: str, severity: Severity = Severity.ERROR, at_key: bool = False
    ) -> Problem:
        """Return a problem at a field below the top of the document."""
        place = self.document.key_place(path) if at_key else self.document.value_place(path)
        return Problem(code, finding, remedy, subject=subject_of(self.document), place=place, severity=severity)

    def source(self) -> Source:
        """Return the places of the object and of every field below spec."""
        return Source(self.document.key_place(()), self.fields(("spec",)))

    def fields(self, below: Path) -> FieldPlaces:
        """Return dotted names of the fields below a path, with the places of their keys."""
        return self.document.field_places(below)


@dataclass(slots=True)
class Catalogue:
    """All entries by kind and name without case; the first of two with one name counts."""

    by_kind: dict[str, dict[str, Entry]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    problems: list[Problem] = field(default_factory=list)

    def find(self, kind: str, name: str) -> Entry | None:
        """Return the entry of that kind and name, or None."""
        return self.by_kind[kind].get(name.casefold())

    def names(self, kind: str) -> list[str]:
        """Return the names of a kind, sorted."""
        return [self.by_kind[kind][key].name for key in sorted(self.by_kind[kind])]

    def sound(self, kind: str) -> Iterator[Entry]:
        """Give the entries of a kind whose shape is right, sorted by name."""
        return (self.by_kind[kind][key] for key in sorted(self.by_kind[kind]) if self.by_kind[kind][key].is_sound)

    def add(self, entry: Entry) -> None:
        """Take an entry in; a name that is taken is a problem."""
        first = self.by_kind[entry.kind].setdefault(entry.name.casefold(), entry)
        if first is not entry:
            at = first.document.key_place(())
            finding = f"there is a second {entry.kind} named {entry.name}; the first is at {at}"
            remedy = "give each a name of its own"
            if entry.kind == "VirtualMachine":
                remedy += "; for machines of one name give spec.id and let metadata.name differ"
            self.problems.append(entry.problem("duplicate-name", ("metadata", "name"), finding, remedy))


def catalogue_of(documents: Iterable[tuple[YamlDocument, bool]]) -> Catalogue:
    """Return the catalogue of documents, each with whether its shape is right; documents without a name stay out."""
    catalogue = Catalogue()
    for document, is_sound in documents:
        kind, _, name = subject_of(document).partition("/")
        if kind and name:
            catalogue.add(Entry(kind[0].upper() + kind[1:], name, document, is_sound))
    return catalogue
