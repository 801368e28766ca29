"""The rim that reads and writes files: a folder of YAML as bytes, and saved observations and plans as values.

Nothing here knows what a field means; it turns what disks and people do (missing folders, links, other encodings, broken
JSON) into problems.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from reconciler.collector import collector_at_rest
from reconciler.desired import SourceFile
from reconciler.desired.hints import shown_path
from reconciler.desired.yaml_reader import MAXIMUM_BYTES, decode, too_large
from reconciler.listing import Listing, list_folder, shown
from reconciler.model.document import Document
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.preview import Preview
from reconciler.model.problem import Place, Problem

# A survey of a thousand hosts with twenty thousand machines takes about a quarter of this.
MAXIMUM_DOCUMENT_BYTES: Final = 256 * 1024 * 1024
_READ_AT_ONCE: Final = 64 * 1024

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
        return _read_all([(str(path), shown(path))])
    return read_listed(list_folder(path)) if path.is_dir() else ([], [_no_folder(path)])


def read_listed(listing: Listing) -> tuple[list[SourceFile], list[Problem]]:
    """Return the files of a folder that was listed, and what could not be read; links that lead outside come first."""
    files, unreadable = _read_all(listing.files)
    return files, [*map(_leads_outside, listing.outside), *map(_is_closed, listing.closed), *unreadable]


def write_folder(folder: Path, texts: Mapping[str, str], *, overwrite: bool) -> list[Problem]:
    """Write files below a folder, made where missing: all of them, or none where one exists or cannot be written.

    Names are relative, with ``/``. With ``overwrite``, files of these names are replaced; no other file is touched.
    """
    if not overwrite:
        there = [name for name in sorted(texts) if os.path.lexists(folder / name)]
        if there:
            return [_exists(folder / name) for name in there]
    written: list[Path] = []
    try:
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with (folder / name).open("w" if overwrite else "x", encoding="utf-8", newline="\n") as file:
                written.append(folder / name)
                file.write(text)
    except OSError as error:
        if not overwrite:
            for path in written:
                path.unlink()
        finding = f"the file cannot be written: {error.strerror or error}"
        return [_at_file(folder / name, "cannot-write", finding, "name a folder that can be written, with room")]
    return []


def read_document(path: Path, most: int = MAXIMUM_DOCUMENT_BYTES) -> bytes:
    """Return the bytes of a saved document; raise ``FileProblem`` where it is missing, unreadable or too large."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        finding = f"the file cannot be read: {error.strerror or error}"
        raise FileProblem(_at_file(path, "unreadable-file", finding, "check the path and its permissions")) from error
    if len(content) > most:
        finding = f"the file is larger than {most // 1024**2} MiB"
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


def read_preview(path: Path) -> Preview:
    """Return a saved preview; raise ``FileProblem`` where the file holds none."""
    return _read(path, Preview, "reconciler preview --out")


def _read_all(candidates: list[tuple[str, str]]) -> tuple[list[SourceFile], list[Problem]]:
    files: list[SourceFile] = []
    problems: list[Problem] = []
    for path, name in candidates:
        content = _content(path, name)
        if isinstance(content, Problem):
            problems.append(content)
        else:
            files.append(SourceFile(name, content))
    return files, problems


def _content(path: str, name: str) -> bytes | Problem:
    try:
        if not os.path.isfile(path):
            finding = "this is not a readable file"
            return Problem("unreadable-file", finding, "remove it, or mend the link", place=Place(name, 1))
        content = _bytes_of(path, MAXIMUM_BYTES + 1)
    except OSError as error:
        finding = f"the file cannot be read: {error.strerror or error}"
        return Problem("unreadable-file", finding, "check its permissions", place=Place(name, 1))
    return content if len(content) <= MAXIMUM_BYTES else too_large(name)


def _bytes_of(path: str, most: int) -> bytes:
    """Return the first bytes of a file; without a buffer of the greatest size, which costs more than a usual file."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        parts, left = list[bytes](), most
        while left > 0 and (part := os.read(handle, min(left, _READ_AT_ONCE))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    finally:
        os.close(handle)


def _no_folder(path: Path) -> Problem:
    finding = f"there is no folder or file {shown(path)}"
    return Problem("no-such-folder", finding, "name the folder that holds the desired state", subject="desired state")


def _exists(path: Path) -> Problem:
    remedy = "name another folder with --into, or replace the files of these names with --overwrite"
    return _at_file(path, "file-exists", "the file exists, and is left as it is", remedy)


def _leads_outside(name: str) -> Problem:
    finding = "the link leads out of the desired state's folder"
    return Problem("link-leads-outside", finding, "put the file itself into the folder", place=Place(name, 1))


def _is_closed(name: str) -> Problem:
    finding = "this folder cannot be looked into, and what it asks for is not known"
    return Problem("unreadable-folder", finding, "check its permissions", place=Place(name, 1))


def _at_file(path: Path, code: str, finding: str, remedy: str, line: int = 1, column: int = 1) -> Problem:
    return Problem(code, finding, remedy, place=Place(shown(path), line, column))


def _read(path: Path, model: type[_Document], command: str) -> _Document:
    content = read_document(path)
    try:
        text = decode(content)
        with collector_at_rest():
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
