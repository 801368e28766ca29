"""Text of a YAML file changed at the places of its nodes: a value replaced, a field or an item added. Nothing else moves.

A round trip through a YAML library would keep comments, but not line widths, quotes and spaces; a reviewer should see the one
value that changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml

_PLAIN_FORBIDDEN: Final = set("\n\t'\"{}[],&*#?|-<>=!%@`:")


class CannotEditError(Exception):
    """The document is written in a way that cannot be edited in place (an alias, a value on no line of its own)."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters from ``start`` to ``end`` (in the whole text) become ``text``."""

    start: int
    end: int
    text: str


def edited(text: str, edits: list[Edit]) -> str:
    """Return the text with all edits made; they must not overlap."""
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def documents(text: str) -> list[yaml.MappingNode]:
    """Return the nodes of all documents that are mappings, with their places."""
    nodes = yaml.compose_all(text, Loader=yaml.SafeLoader)
    return [node for node in nodes if isinstance(node, yaml.MappingNode)]


def find(node: yaml.Node, *path: str) -> yaml.Node | None:
    """Return the value at a path of keys, or None."""
    for key in path:
        pair = _pair(node, key)
        if pair is None:
            return None
        node = pair[1]
    return node


def scalar(node: yaml.Node | None) -> str | None:
    """Return a scalar's text, or None."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else None


def replaced(node: yaml.Node, value: str) -> Edit:
    """Return the edit that gives a scalar another value, in its own quotes where they do."""
    if not isinstance(node, yaml.ScalarNode) or node.style in ("|", ">") or _is_marked(node):
        raise CannotEditError
    return Edit(node.start_mark.index, node.end_mark.index, quoted(value, node.style))


def pair_replaced(mapping: yaml.Node, key: str, text: str) -> Edit:
    """Return the edit that puts ``text`` ("host: Host1") in the place of a key with its value."""
    pair = _pair(mapping, key)
    if pair is None:
        raise CannotEditError
    return Edit(pair[0].start_mark.index, end_of(pair[1]), text)


def item_added(whole: str, sequence: yaml.Node, item: str) -> Edit:
    """Return the edit that adds an item (one line of flow YAML) to a list that has one."""
    if not isinstance(sequence, yaml.SequenceNode) or not sequence.value:
        raise CannotEditError
    end = end_of(sequence.value[-1])
    if sequence.flow_style:
        return Edit(end, end, f", {item}")
    return _line_after(whole, end, f"{' ' * sequence.start_mark.column}- {item}")


def field_added(whole: str, mapping: yaml.Node, field: str) -> Edit:
    """Return the edit that adds a field ("path: 'D:\\VMs'") to a mapping that has one."""
    if not isinstance(mapping, yaml.MappingNode) or not mapping.value:
        raise CannotEditError
    end = end_of(mapping.value[-1][1])
    if mapping.flow_style:
        return Edit(end, end, f", {field}")
    return _line_after(whole, end, f"{' ' * mapping.start_mark.column}{field}")


def quoted(value: str, style: str | None = None) -> str:
    """Return a value as a scalar: in double quotes where it had them and nothing in it is an escape, else single or none."""
    if style == '"' and not set(value) & set('\\"'):
        return f'"{value}"'
    risky = bool(set(value) & _PLAIN_FORBIDDEN - {"-"}) or not value[:1].isalpha() or value != value.strip()
    if style is None and not risky and "\\" not in value and not _means_something(value):
        return value
    return "'" + value.replace("'", "''") + "'"


def end_of(node: yaml.Node) -> int:
    """Return where a node's text ends: PyYAML lets blocks end where the next token begins, behind comments."""
    if isinstance(node, yaml.ScalarNode) or getattr(node, "flow_style", False) or not node.value:
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
            raise CannotEditError
        return int(node.end_mark.index)
    last = node.value[-1]
    return end_of(last[1] if isinstance(node, yaml.MappingNode) else last)


def _means_something(value: str) -> bool:
    """Tell whether the plain text would be no text: true, null, a number."""
    resolved = yaml.SafeLoader.yaml_implicit_resolvers.get(value[:1], [])
    return any(pattern.match(value) for _, pattern in resolved)


def _is_marked(node: yaml.Node) -> bool:
    """Tell whether an anchor or a tag stands in front of the value: PyYAML counts them as part of it."""
    return bool(node.start_mark.buffer) and str(node.start_mark.buffer)[node.start_mark.pointer] in "&!*"


def _pair(node: yaml.Node, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    return next((pair for pair in _pairs(node) if scalar(pair[0]) == key), None)


def _pairs(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from node.value


def _line_after(whole: str, at: int, line: str) -> Edit:
    """A line of its own behind the line that ``at`` is on, whose comment stays where it is."""
    end = whole.find("\n", at)
    carriage = "\r" if end > 0 and whole[end - 1] == "\r" else ""
    if end < 0:
        return Edit(len(whole), len(whole), f"\n{line}")
    return Edit(end + 1, end + 1, f"{line}{carriage}\n")
