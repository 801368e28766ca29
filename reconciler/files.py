"""The rim that reads files: a folder of YAML as bytes, and saved observations and plans as values.

Nothing here knows what a field means; it turns what disks and people do (missing folders, links, other encodings, broken
JSON) into problems.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from reconciler.desired import SourceFile
from reconciler.desired.hints import shown_path
from reconciler.desired.yaml_reader import MAXIMUM_BYTES, decode, too_large
from reconciler.model.document import Document
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.problem import Place, Problem

# A survey of a thousand hosts with twenty thousand machines takes about a quarter of this.
MAXIMUM_DOCUMENT_BYTES: Final = 256 * 1024 * 1024
_SUFFIXES: Final = (".yaml", ".yml")

_Document = TypeVar("_Document", bound=Document)


class FileProblem(Exception):  # noqa: N818 -- named after what it carries
    """A document file cannot be used; ``problem`` says why and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def read_folder(path: Path) -> tuple[list[SourceFile], list[Problem]]:
    """Return all ``*.yaml`` and ``*.yml`` files below a folder (or the one file given), sorted, with what could not be read.

    Hidden files and folders are skipped; links that lead out of the folder are refused. Names are the path as given, joined
    with the path below it.
    """
    if path.is_file():
        return _read_all([(path, _shown(path))])
    if not path.is_dir():
        return [], [_no_folder(path)]
    candidates, problems = _candidates(path)
    files, unreadable = _read_all(candidates)
    return files, problems + unreadable


def read_document(path: Path) -> bytes:
    """Return the bytes of a saved document; raise ``FileProblem`` where it is missing, unreadable or too large."""
    try:
        with path.open("rb") as file:
            content = file.read(MAXIMUM_DOCUMENT_BYTES + 1)
    except OSError as error:
        finding = f"the file cannot be read: {error.strerror or error}"
        raise FileProblem(_at_file(path, "unreadable-file", finding, "check the path and its permissions")) from error
    if len(content) > MAXIMUM_DOCUMENT_BYTES:
        finding = f"the file is larger than {MAXIMUM_DOCUMENT_BYTES // 1024**2} MiB"
        raise FileProblem(_at_file(path, "file-too-large", finding, "observe fewer hosts at once"))
    return content


def read_observation(path: Path) -> Observation:
    """Return a saved observation; raise ``FileProblem`` where the file holds none."""
    return _read(path, Observation, "reconciler observe")


def read_plan(path: Path) -> Plan:
    """Return a saved plan; raise ``FileProblem`` where the file holds none, or was changed after it was saved."""
    plan = _read(path, Plan, "reconciler plan --out")
    saved = json.loads(decode(read_document(path))).get("fingerprint")
    if saved != plan.fingerprint:
        finding = "the fingerprint does not match the steps: the plan was changed after it was saved, or is of another version"
        raise FileProblem(_at_file(path, "plan-altered", finding, "make a new plan"))
    return plan


def _candidates(root: Path) -> tuple[list[tuple[Path, str]], list[Problem]]:
    """Return the files to read by path below the root, each real file once, and refused links."""
    inside = root.resolve()
    found: dict[Path, tuple[Path, str]] = {}
    problems: list[Problem] = []
    for relative in sorted(_yaml_paths(root), key=lambda relative: relative.as_posix()):
        path, name = root / relative, _shown(root / relative)
        target = path.resolve()
        if not target.is_relative_to(inside):
            problems.append(_leads_outside(name))
        elif not path.is_dir():
            found.setdefault(target, (path, name))
    return list(found.values()), problems


def _yaml_paths(root: Path) -> Iterator[Path]:
    """Give YAML files and linked folders below a root; linked folders are not entered, so no loop can catch us."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(folder)
        yield from ((here / name).relative_to(root) for name in folders if (here / name).is_symlink())
        for name in files:
            if name.lower().endswith(_SUFFIXES) and not name.startswith("."):
                yield (here / name).relative_to(root)


def _read_all(candidates: list[tuple[Path, str]]) -> tuple[list[SourceFile], list[Problem]]:
    files: list[SourceFile] = []
    problems: list[Problem] = []
    for path, name in candidates:
        content = _content(path, name)
        if isinstance(content, Problem):
            problems.append(content)
        else:
            files.append(SourceFile(name, content))
    return files, problems


def _content(path: Path, name: str) -> bytes | Problem:
    if not path.is_file():
        finding = "this is not a readable file"
        return Problem("unreadable-file", finding, "remove it, or mend the link", place=Place(name, 1))
    try:
        with path.open("rb") as file:
            content = file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        finding = f"the file cannot be read: {error.strerror or error}"
        return Problem("unreadable-file", finding, "check its permissions", place=Place(name, 1))
    return content if len(content) <= MAXIMUM_BYTES else too_large(name)


def _shown(path: Path) -> str:
    return path.as_posix().encode("utf-8", "replace").decode()


def _no_folder(path: Path) -> Problem:
    finding = f"there is no folder or file {_shown(path)}"
    return Problem("no-such-folder", finding, "name the folder that holds the desired state", subject="desired state")


def _leads_outside(name: str) -> Problem:
    finding = "the link leads out of the desired state's folder"
    return Problem("link-leads-outside", finding, "put the file itself into the folder", place=Place(name, 1))


def _at_file(path: Path, code: str, finding: str, remedy: str, line: int = 1, column: int = 1) -> Problem:
    return Problem(code, finding, remedy, place=Place(_shown(path), line, column))


def _read(path: Path, model: type[_Document], command: str) -> _Document:
    content = read_document(path)
    try:
        text = decode(content)
        return model.model_validate_json(text)
    except UnicodeDecodeError as error:
        remedy = f"save it as UTF-8, or make it again with: {command}"
        raise FileProblem(_at_file(path, "not-utf8", "the file is not valid UTF-8", remedy)) from error
    except ValidationError as error:
        raise FileProblem(_invalid(path, text, model, command, error)) from error


def _invalid(path: Path, text: str, model: type[Document], command: str, error: ValidationError) -> Problem:
    remedy = f"give a file saved by: {command}"
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as broken:
        line, column = getattr(broken, "lineno", 1), getattr(broken, "colno", 1)
        finding = f"the file is not JSON: {getattr(broken, 'msg', broken)}"
        return _at_file(path, "not-json", finding, remedy, line, column)
    kind = data.get("kind") if isinstance(data, dict) else None
    if kind != model.__name__:
        said = f"a document of kind {kind}" if kind else "no document of ours"
        return _at_file(path, "wrong-document", f"the file holds {said}, not a document of kind {model.__name__}", remedy)
    return _at_file(path, "bad-document", _finding(error.errors(include_url=False)), remedy)


def _finding(errors: list[Any]) -> str:
    """Return the first error in words, and how many more there are."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    message = first["msg"]
    return f"{shown_path(first['loc'])}: {message[:1].lower()}{message[1:]}{more}"
