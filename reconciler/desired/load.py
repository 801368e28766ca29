"""The way in: files as bytes to ``Desired`` and every problem at once, sorted by where it stands.

Only the order of the stages is decided here: read, check shapes, catalogue, resolve, cross-check.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler.desired.cache import Cache, keep, key_of, recall
from reconciler.desired.catalogue import catalogue_of
from reconciler.desired.contradictions import contradiction_problems
from reconciler.desired.crosscheck import structure_problems
from reconciler.desired.documents import YamlDocument
from reconciler.desired.foldercheck import folder_problems
from reconciler.desired.resolve import resolve
from reconciler.desired.schemas import shape_problems
from reconciler.desired.yaml_reader import read_yaml
from reconciler.model.desired import Desired
from reconciler.model.document import canonical_json, digest_of
from reconciler.model.problem import Problem, Severity

# Less than this is read as fast as it is looked up.
WORTH_KEEPING_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A YAML file: the name that problems show, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """The desired state and what there is to say about it; ``desired`` is None where any problem is an error."""

    desired: Desired | None
    problems: tuple[Problem, ...]


def load_desired(files: Sequence[SourceFile], revision: str | None = None, cache: Cache | None = None) -> Loaded:
    """Read the desired state from files in any order; ``revision`` (a commit) is only passed on. Never raises for bad input.

    With a cache, files that were read before, all of them unchanged, are answered from there: the same answer.
    """
    ordered = sorted(files, key=lambda file: file.name)
    if cache is None or sum(len(file.content) for file in ordered) < WORTH_KEEPING_BYTES:
        return _with_revision(_read(ordered), revision)
    key = key_of((file.name, file.content) for file in ordered)
    loaded = recall(cache, key, Loaded)
    if loaded is None:
        loaded = _read(ordered)
        keep(cache, key, loaded)
    return _with_revision(loaded, revision)


def _with_revision(loaded: Loaded, revision: str | None) -> Loaded:
    if loaded.desired is None or revision is None:
        return loaded
    return Loaded(replace(loaded.desired, revision=revision), loaded.problems)


def _read(files: Iterable[SourceFile]) -> Loaded:
    documents: list[YamlDocument] = []
    problems: list[Problem] = []
    for file in files:
        found, wrong = read_yaml(file.name, file.content)
        documents += found
        problems += wrong
    if not documents and not problems:
        problems.append(_empty())
    return _understood(documents, problems)


def _understood(documents: list[YamlDocument], problems: list[Problem]) -> Loaded:
    shapes = [(document, shape_problems(document)) for document in documents]
    problems += (problem for _, wrong in shapes for problem in wrong)
    catalogue = catalogue_of((document, not wrong) for document, wrong in shapes)
    desired = resolve(catalogue, _digest(documents))
    problems += structure_problems(catalogue)
    problems += folder_problems(catalogue)
    problems += contradiction_problems(desired)
    failed = any(problem.severity is Severity.ERROR for problem in problems)
    return Loaded(None if failed else desired, sorted_problems(problems))


def sorted_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems by file, line, column, code; those without a place first."""
    return tuple(sorted(problems, key=_sort_key))


def _sort_key(problem: Problem) -> tuple[str, int, int, str, str]:
    place = problem.place
    where = (place.file, place.line, place.column) if place else ("", 0, 0)
    return (*where, problem.code, problem.finding)


def _digest(documents: list[YamlDocument]) -> str:
    return digest_of(sorted(canonical_json(document.data) for document in documents))


def _empty() -> Problem:
    finding = "there is no document, so nothing is managed"
    remedy = "add YAML documents, or name the folder that holds them"
    return Problem("empty-desired-state", finding, remedy, subject="desired state", severity=Severity.WARNING)
