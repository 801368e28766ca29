"""From what hosts report to a desired state that asks for just that: documents, the files they go in, and their text. Pure.

What cannot be said in the desired state (a share by its server's short name, a machine on the move) is left out and
told; nothing is made up to fill the gap. Start at ``fleet.import_fleet``.
"""

from reconciler.importer.documents import Manifest
from reconciler.importer.fleet import Imported, Wishes, import_fleet
from reconciler.importer.layout import Layout, files_for
from reconciler.importer.yaml_text import yaml_text

__all__ = ["Imported", "Layout", "Manifest", "Wishes", "files_for", "import_fleet", "yaml_text"]
