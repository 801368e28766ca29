"""Reality written back: edits of the YAML that let the desired state say what the fleet is, comments and layout kept.

Pure: takes files, drift and gives edited files. ``wishes`` says what a machine's document should say, ``yaml_text`` edits the
text of one document at the places of its nodes, ``unified`` makes the diff that ``git apply`` takes.
"""

from reconciler.patch.make import Patch, make_patch
from reconciler.patch.unified import unified_diff

__all__ = ["Patch", "make_patch", "unified_diff"]
