"""Strict YAML: from the bytes of one file to plain data with the position of every key and value.

Works on PyYAML's parser events (libyaml where present) and never on its constructors. What YAML allows but a desired state
should not (duplicate keys, foreign tags, endless aliases, great depth) is a problem here; what fields mean is not known here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from reconciler.desired.documents import Marks, Path, Position, YamlDocument
from reconciler.desired.scalars import CORE, Scalar, UnusableScalar, resolve_plain, resolve_tagged, shown_tag
from reconciler.desired.usual_reader import read_usual
from reconciler.model.problem import Place, Problem

MAXIMUM_BYTES: Final = 10 * 1024 * 1024
MAXIMUM_DOCUMENTS: Final = 10_000
MAXIMUM_DEPTH: Final = 40
# A desired state needs few aliases; a bomb of nine lines needs thousands of millions of nodes.
MAXIMUM_ALIASED_NODES: Final = 10_000
# After so many syntax errors a file is probably not YAML at all.
_MAXIMUM_SYNTAX_ERRORS: Final = 20

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff\ud800-\udfff]")
_DOCUMENT_START = re.compile(r"^---(?=\s|$)", re.MULTILINE)


@dataclass(slots=True)
class _Node:
    """A value while it is read. ``content`` is a scalar, a list of nodes, or a list of (key, key position, node)."""

    content: Any
    position: Position
    is_mapping: bool = False
    is_sequence: bool = False
    is_open: bool = False
    is_alias: bool = False
    key: tuple[str, Position] | None = None


@dataclass(slots=True)
class _Budget:
    aliased_nodes: int = MAXIMUM_ALIASED_NODES


class _DocumentLostError(Exception):
    """What is left of the document cannot be read, for the reason in ``problem``."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


@dataclass(slots=True)
class _Builder:
    """Builds one document from events, without recursion: depth is a limit to check, not a crash."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    stack: list[_Node] = field(default_factory=list)
    anchors: dict[str, _Node] = field(default_factory=dict)
    root: _Node | None = None

    def take(self, event: yaml.Event, position: Position) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event, position)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._open(event, position)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self.stack.pop().is_open = False
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(event, position)

    def _take_scalar(self, event: yaml.ScalarEvent, position: Position) -> None:
        node = _Node(self._scalar(event, position), position)
        self._remember(event.anchor, node)
        if self._expects_key():
            self._take_key(self.stack[-1], node)
        else:
            self._add(node)

    def _expects_key(self) -> bool:
        return bool(self.stack) and self.stack[-1].is_mapping and self.stack[-1].key is None

    def _scalar(self, event: yaml.ScalarEvent, position: Position) -> Scalar:
        try:
            if event.tag is None or event.tag == "!":
                return resolve_plain(event.value) if event.implicit[0] and event.tag is None else event.value
            if event.tag.startswith(CORE):
                return resolve_tagged(event.tag, event.value)
        except UnusableScalar as problem:
            self._problem("bad-value", position, str(problem), "put it in quotes if it is text, else give a plain number")
        else:
            self._unknown_tag(event.tag, position)
        return event.value

    def _take_key(self, parent: _Node, node: _Node) -> None:
        key = node.content
        if not isinstance(key, str):
            spelled = "null" if key is None else str(key).lower() if isinstance(key, bool) else str(key)
            self._problem("bad-key", node.position, f"the key {spelled} is not text", f"put it in quotes: '{spelled}'")
            key = spelled
        parent.key = (key, node.position)

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, position: Position) -> None:
        self._check_can_open(position)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", CORE + ("map" if is_mapping else "seq")):
            self._unknown_tag(event.tag, position)
        node = _Node([], position, is_mapping=is_mapping, is_sequence=not is_mapping, is_open=True)
        self._remember(event.anchor, node)
        self._add(node)
        self.stack.append(node)

    def _check_can_open(self, position: Position) -> None:
        if len(self.stack) >= MAXIMUM_DEPTH:
            raise _DocumentLostError(_too_deep(Place(self.file, *position)))
        self._refuse_key_unless(not self._expects_key(), position)

    def _refuse_key_unless(self, fine: bool, position: Position) -> None:
        if not fine:
            finding = "a list or a mapping is used as a key"
            raise _DocumentLostError(self._make("bad-key", position, finding, "use text as the key"))

    def _take_alias(self, event: yaml.AliasEvent, position: Position) -> None:
        node = self.anchors.get(event.anchor or "")
        if node is None:
            finding = f"the alias *{event.anchor} has no anchor &{event.anchor} before it in this document"
            raise _DocumentLostError(
                self._make("unknown-alias", position, finding, "define the anchor first, or write the value out")
            )
        if node.is_open:
            finding = f"the alias *{event.anchor} stands inside the value that it names"
            raise _DocumentLostError(self._make("recursive-alias", position, finding, "write the value out"))
        if self._expects_key():
            self._refuse_key_unless(not (node.is_mapping or node.is_sequence), position)
            self._take_key(self.stack[-1], _Node(node.content, position))
        else:
            self._add(_Node(node, position, is_alias=True))

    def _remember(self, anchor: str | None, node: _Node) -> None:
        if anchor is not None:
            self.anchors[anchor] = node

    def _add(self, node: _Node) -> None:
        parent = self.stack[-1] if self.stack else None
        if parent is None:
            self.root = node
        elif parent.is_sequence:
            parent.content.append(node)
        elif parent.key is not None:
            parent.content.append((*parent.key, node))
            parent.key = None

    def _unknown_tag(self, tag: str, position: Position) -> None:
        finding = f"the tag {shown_tag(tag)} is not known here"
        self._problem("unknown-tag", position, finding, "remove the tag; put the value in quotes if it is text")

    def _problem(self, code: str, position: Position, finding: str, remedy: str) -> None:
        self.problems.append(self._make(code, position, finding, remedy))

    def _make(self, code: str, position: Position, finding: str, remedy: str) -> Problem:
        return Problem(code, finding, remedy, place=Place(self.file, *position))


@dataclass(slots=True)
class _Expander:
    """Turns nodes into data and marks; aliases are written out, which is where bombs go off, so it counts."""

    file: str
    budget: _Budget
    problems: list[Problem]
    marks: dict[Path, Marks] = field(default_factory=dict)

    def expand(self, node: _Node, path: Path, key: Position, in_alias: bool) -> Any:
        self.marks[path] = Marks(key, node.position)
        if node.is_alias:
            node, in_alias = node.content, True
        self._spend(len(path), self.marks[path].value, in_alias)
        if node.is_mapping:
            return self._mapping(node, path, in_alias)
        if node.is_sequence:
            items = enumerate(node.content)
            return [self.expand(item, (*path, index), item.position, in_alias) for index, item in items]
        return node.content

    def _mapping(self, node: _Node, path: Path, in_alias: bool) -> dict[str, Any]:
        data: dict[str, Any] = {}
        first: dict[str, Position] = {}
        for key, position, value in node.content:
            if key in data:
                self._duplicate(key, position, first[key])
                continue
            first[key] = position
            data[key] = self.expand(value, (*path, key), position, in_alias)
        return data

    def _duplicate(self, key: str, position: Position, first: Position) -> None:
        finding = f"the key {key} stands twice in one mapping; the first is on line {first[0]}"
        place = Place(self.file, *position)
        self.problems.append(Problem("duplicate-key", finding, "keep one of them", place=place))

    def _spend(self, depth: int, position: Position, in_alias: bool) -> None:
        self.budget.aliased_nodes -= in_alias
        if self.budget.aliased_nodes < 0:
            finding = f"aliases of this file unfold to more than {MAXIMUM_ALIASED_NODES:,} values"
            place = Place(self.file, *position)
            raise _DocumentLostError(
                Problem("alias-limit", finding, "write the values out; host groups share defaults", place=place)
            )
        if depth > MAXIMUM_DEPTH:
            raise _DocumentLostError(_too_deep(Place(self.file, *position)))


def read_yaml(name: str, content: bytes) -> tuple[list[YamlDocument], list[Problem]]:
    """Return the documents of one file and its problems; a document with a problem of its own is left out.

    A syntax error ends its document only: reading goes on at the next ``---``. Empty documents are skipped.
    """
    if len(content) > MAXIMUM_BYTES:
        return [], [too_large(name)]
    text, problem = _decoded(name, content)
    if problem:
        return [], [problem]
    usual = read_usual(name, text, MAXIMUM_DOCUMENTS)
    return (usual, []) if usual is not None else read_carefully(name, text)


def read_carefully(name: str, text: str) -> tuple[list[YamlDocument], list[Problem]]:
    """Return the documents and problems of a text, whatever it holds; the long way of ``read_yaml``."""
    return _Reading(name, text).run()


def too_large(name: str) -> Problem:
    """Return the problem of a file over the limit."""
    finding = f"the file is larger than {MAXIMUM_BYTES // 1024**2} MiB"
    return Problem("file-too-large", finding, "split it into several files", place=Place(name, 1))


def decode(content: bytes) -> str:
    """Return the text of UTF-8 with or without BOM, or UTF-16 with BOM (PowerShell writes it); raise UnicodeDecodeError."""
    is_utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    return content.decode("utf-16" if is_utf16 else "utf-8-sig")


def _decoded(name: str, content: bytes) -> tuple[str, Problem | None]:
    try:
        text = decode(content)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = Problem("not-utf8", "the file is not valid UTF-8", "save it as UTF-8", place=Place(name, line))
        return "", problem
    found = _FORBIDDEN.search(text)
    if found:
        place = _place_at(name, text, found.start())
        finding = f"the character U+{ord(found.group()):04X} must not stand in YAML"
        return "", Problem(
            "control-character", finding, "remove it; in double quotes it can be written as an escape", place=place
        )
    return text, None


def _place_at(name: str, text: str, index: int) -> Place:
    return Place(name, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


class _Reading:
    """One file being read: documents and problems so far, and where to go on after a syntax error."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        self.documents: list[YamlDocument] = []
        self.problems: list[Problem] = []
        self.budget = _Budget()
        self.seen = 0

    def run(self) -> tuple[list[YamlDocument], list[Problem]]:
        start: int | None = 0
        errors = 0
        while start is not None and errors < _MAXIMUM_SYNTAX_ERRORS:
            start = self._read_from(start)
            errors += 1
        return self.documents, self.problems

    def _read_from(self, start: int) -> int | None:
        """Read documents from an index of the text; return where to go on after an error, None at the end."""
        last = line = self.text.count("\n", 0, start)
        try:
            for line_below in self._documents(start, line):
                last = line_below
        except yaml.MarkedYAMLError as error:
            self.problems.append(_syntax_problem(self.name, error, line))
            mark = error.problem_mark or error.context_mark
            return self._next_document(max(mark.line + line if mark else last, last))
        except _DocumentLostError as error:
            self.problems.append(error.problem)
            place = error.problem.place
            # Limits on the whole file end the reading; the rest concern one document.
            if error.problem.code in ("too-many-documents", "alias-limit") or place is None:
                return None
            return self._next_document(place.line)
        return None

    def _next_document(self, line: int) -> int | None:
        """Return the index of the first ``---`` on or after a line (from 0), None where there is none."""
        found = _DOCUMENT_START.search(self.text, _index_of_line(self.text, line))
        return found.start() if found else None

    def _documents(self, start: int, line: int) -> Iterator[int]:
        """Build documents; yield the line (from 0) below each event: the first where the next document can begin."""
        builder = _Builder(self.name)
        for event in yaml.parse(self.text[start:] if start else self.text, Loader=_LOADER):
            mark: Any = event.start_mark
            position = (mark.line + line + 1, mark.column + 1)
            if isinstance(event, yaml.DocumentStartEvent):
                builder = _Builder(self.name)
                self._count(position)
            elif isinstance(event, yaml.DocumentEndEvent):
                self._finish(builder)
            else:
                builder.take(event, position)
            yield position[0]

    def _count(self, position: Position) -> None:
        self.seen += 1
        if self.seen > MAXIMUM_DOCUMENTS:
            finding = f"the file holds more than {MAXIMUM_DOCUMENTS:,} documents"
            place = Place(self.name, *position)
            raise _DocumentLostError(Problem("too-many-documents", finding, "split it into several files", place=place))

    def _finish(self, builder: _Builder) -> None:
        node = builder.root
        expander = _Expander(self.name, self.budget, builder.problems)
        data = expander.expand(node, (), node.position, in_alias=False) if node else None
        self.problems += builder.problems
        if data is not None and not builder.problems:
            self.documents.append(YamlDocument.of(self.name, data, expander.marks))


def _index_of_line(text: str, line: int) -> int:
    index = 0
    for _ in range(line):
        index = text.find("\n", index) + 1
        if index == 0:
            return len(text)
    return index


def _syntax_problem(name: str, error: yaml.MarkedYAMLError, line: int) -> Problem:
    mark = error.problem_mark or error.context_mark
    at = (mark.line + line + 1, mark.column + 1) if mark is not None else (line + 1, 1)
    place = Place(name, *at)
    said = error.problem or error.context or "the text is not YAML"
    remedy = next((remedy for words, remedy in _SYNTAX_REMEDIES if words in said), "mend the syntax of this document")
    return Problem("syntax-error", said, remedy, place=place)


_QUOTES: Final = "put Windows paths in single quotes or none: '\\\\fileserver1.contoso.com\\smbshare'"
_SYNTAX_REMEDIES: Final[tuple[tuple[str, str], ...]] = (
    ("unknown escape character", _QUOTES),
    ("expected hexdecimal", _QUOTES),
    ("cannot start any token", "indent with spaces, not tabs; put text that begins with @, ` or % in quotes"),
    ("mapping values are not allowed", "check the indentation; put text that holds ': ' in quotes"),
    ("could not find expected ':'", "write 'key: value' with a space after the colon"),
)


def _too_deep(place: Place) -> Problem:
    return Problem("too-deep", f"values nest deeper than {MAXIMUM_DEPTH} levels", "flatten the document", place=place)
