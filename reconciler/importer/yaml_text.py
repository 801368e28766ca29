"""Documents as YAML for people, in the layout of the house: the editor's schema line on top, short mappings on one line."""

import io
import re
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

from reconciler.desired.schemas import KINDS
from reconciler.importer.documents import Manifest

# What every reader takes for text without quotes, alone and between braces.
PLAIN = re.compile(r"[A-Za-z_][\w./-]*( [\w.-]+)*", re.ASCII)
WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
ONE_LINE = frozenset(("metadata", "placement"))


def yaml_text(manifests: Sequence[Manifest], depth: int) -> str:
    """Return one file; ``depth`` is the number of folders between the file and the folder that holds ``schemas/``."""
    kinds = {manifest.kind for manifest in manifests}
    schema = KINDS[kinds.pop()] if len(kinds) == 1 else "reconciler"
    head = f"# yaml-language-server: $schema={'../' * depth}schemas/{schema}.schema.json\n"
    return head + "---\n".join(_document(manifest) for manifest in manifests)


def _document(manifest: Manifest) -> str:
    writer = YAML()
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.width = 1_000_000  # a path that is folded over lines is no path any more
    writer.allow_unicode = True
    text = io.StringIO()
    writer.dump(_node(manifest.data, ()), text)
    return text.getvalue()


def _node(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        node = CommentedMap((key, _node(item, (*path, key))) for key, item in value.items())
        if _fits_a_line(value, path):
            node.fa.set_flow_style()
        return node
    if isinstance(value, list):
        items = CommentedSeq(_node(item, (*path, "")) for item in value)
        if not any(isinstance(item, dict) for item in value):
            items.fa.set_flow_style()
        return items
    return _scalar(value) if isinstance(value, str) else value


def _fits_a_line(value: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Short leaves stand on one line: metadata, a placement, a disk, a folder that is alone; an empty spec too."""
    if path[-1:] == ("",) or (path[-1:] and path[-1] in ONE_LINE) or not value:
        return True
    return len(value) == 1 and not any(isinstance(item, dict | list) for item in value.values()) and len(path) > 1


def _scalar(text: str) -> str:
    if PLAIN.fullmatch(text) and text.casefold() not in WORDS:
        return text
    # Single quotes keep backslashes as they are; what cannot stand there (a character that is not printable) needs escapes.
    quoted: str = SingleQuotedScalarString(text) if text.isprintable() else DoubleQuotedScalarString(text)
    return quoted
