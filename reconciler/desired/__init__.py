"""From committed YAML to ``Desired``: strict reading, schemas, resolving, cross-checks; all problems at once.

Pure: takes the bytes of files and gives values; ``reconciler.files`` reads the files. Start at ``load.load_desired``.
"""

from reconciler.desired.cache import Cache
from reconciler.desired.load import Loaded, SourceFile, load_desired

__all__ = ["Cache", "Loaded", "SourceFile", "load_desired"]
