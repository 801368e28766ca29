"""What a change of the desired state would do: two revisions planned against one observation, and the plans compared.

Pure: takes loaded revisions, an observation and a moment, and gives a ``Preview`` (``model/preview.py``). ``make`` is the way
in; ``compare`` tells steps apart by what they do, ``risk`` has the stated rules, ``window`` asks whether it fits.
"""

from reconciler.preview.make import Revision, make_preview

__all__ = ["Revision", "make_preview"]
