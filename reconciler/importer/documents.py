"""One document on its way into a file, and what the desired state can say: the published schemas and the rules for folders.

Asked before a value is written, so that an import never needs mending by hand.
"""

from dataclasses import dataclass, field
from typing import Any

from reconciler.desired.foldercheck import has_full_server_name, is_root
from reconciler.desired.schemas import has_control_characters, quickly_sound, schema_errors
from reconciler.model import paths
from reconciler.model.document import API_VERSION
from reconciler.model.problem import Problem, Severity


@dataclass(frozen=True, slots=True)
class Manifest:
    """A document to be written: kind, name and spec as plain data, fields in the order they are shown."""

    kind: str
    name: str
    spec: dict[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> dict[str, Any]:
        """The whole document."""
        return {"apiVersion": API_VERSION, "kind": self.kind, "metadata": {"name": self.name}, "spec": self.spec}


def can_be_said(manifest: Manifest) -> bool:
    """Tell whether a document is sound by its schema and holds no character that the reader refuses."""
    kind, data = manifest.kind, manifest.data
    return not _odd(data) and (quickly_sound(kind, data) or not any(schema_errors(kind, data)))


def is_name(text: str) -> bool:
    """Tell whether a text may be a document's name."""
    return can_be_said(Manifest("VirtualMachine", text))


def as_folder(path: str) -> str:
    """Return a folder without separators at its end."""
    return path.rstrip("\\/")


def folder_objection(path: str) -> tuple[str, str] | None:
    """Return code and sentence for why a folder cannot stand in a machine's document, or None where it can."""
    if paths.is_smb(path) and not has_full_server_name(path):
        return "smb-path-without-fqdn", "its server is named without a domain, and to Hyper-V that is another server"
    steps = {".", ".."} & set(path.replace("/", "\\").split("\\"))
    if steps or not can_be_said(Manifest("StorageLocation", "folder", {"path": as_folder(path) or path})):
        return "folder-not-importable", "it is not a plain absolute folder"
    if is_root(path):
        return "root-folder", "it is the root of a drive or share, where files of several machines would mix"
    return None


def told(code: str, finding: str, remedy: str, subject: str) -> Problem:
    """Return something that a person must know about the import."""
    return Problem(code, finding, remedy, subject=subject, severity=Severity.WARNING)


def _odd(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_odd(item) for item in value.values())
    if isinstance(value, list):
        return any(_odd(item) for item in value)
    return isinstance(value, str) and has_control_characters(value)
