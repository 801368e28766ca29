"""A semantic diff of two desired states: which field of which document changed from what to what, layout and order ignored.

Only files that differ are read again; a document that merely moved to another file is no change. Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from reconciler.desired.documents import Path, YamlDocument
from reconciler.desired.hints import shown_path
from reconciler.desired.load import SourceFile
from reconciler.desired.schemas import subject_of
from reconciler.desired.yaml_reader import read_yaml
from reconciler.model.preview import FieldChange

_ABSENT: Final = object()
_Documents = dict[str, YamlDocument]
_Leaves = dict[Path, Any]


def changes_between(base: Sequence[SourceFile], head: Sequence[SourceFile]) -> tuple[FieldChange, ...]:
    """Return the changed fields by subject and then by where they stand; whole documents where they came or went.

    Lists of plain values are one field. ``from`` or ``to`` is null where the field is given on one side only. Fields below spec
    are named without it, as in a plan ("placement.host"). Documents that cannot be read are left out: loading tells of them.
    """
    before, after = _different(base, head)
    subjects = sorted(before.keys() | after.keys(), key=lambda subject: (subject.casefold(), subject))
    return tuple(change for subject in subjects for change in _of_subject(before.get(subject), after.get(subject)))


def _different(base: Iterable[SourceFile], head: Iterable[SourceFile]) -> tuple[_Documents, _Documents]:
    first, second = {(file.name, file.content) for file in base}, {(file.name, file.content) for file in head}
    return _documents(first - second), _documents(second - first)


def _documents(files: Iterable[tuple[str, bytes]]) -> _Documents:
    found: _Documents = {}
    for name, content in sorted(files):
        for document in read_yaml(name, content)[0]:
            if subject := subject_of(document):
                kind, _, called = subject.partition("/")
                found.setdefault(f"{kind}/{called.casefold()}", document)
    return found


def _of_subject(before: YamlDocument | None, after: YamlDocument | None) -> Iterator[FieldChange]:
    if before is None or after is None:
        yield from _came_or_went(before, after)
        return
    old, new = _leaves(before.data), _leaves(after.data)
    paths = [*new, *(path for path in old if path not in new)]
    for path in paths:
        source, target = old.get(path, _ABSENT), new.get(path, _ABSENT)
        if source is _ABSENT or target is _ABSENT or source != target:
            yield _field_change(after, path, source, target)


def _came_or_went(before: YamlDocument | None, after: YamlDocument | None) -> Iterator[FieldChange]:
    if after is not None:
        yield FieldChange(subject=subject_of(after), change="added", place=str(after.key_place(())))
    elif before is not None:
        yield FieldChange(subject=subject_of(before), change="removed", place=str(before.key_place(())))


def _field_change(document: YamlDocument, path: Path, source: Any, target: Any) -> FieldChange:
    return FieldChange(
        subject=subject_of(document),
        change="added" if source is _ABSENT else "removed" if target is _ABSENT else "changed",
        field=shown_path(path[1:] if path[:1] == ("spec",) else path),
        source=None if source is _ABSENT else source,
        target=None if target is _ABSENT else target,
        place=str(document.key_place(path)),
    )


def _leaves(data: Any, path: Path = ()) -> _Leaves:
    """Return all that is no mapping by path; lists of mappings are entered, and other lists taken whole."""
    if isinstance(data, dict) and data:
        return {at: value for key, item in data.items() for at, value in _leaves(item, (*path, key)).items()}
    if isinstance(data, list) and any(isinstance(item, dict) for item in data):
        return {at: value for number, item in enumerate(data) for at, value in _leaves(item, (*path, number)).items()}
    return {path: data}
