"""Golden files: whole views, small enough to be read in review. ``UPDATE_GOLDEN=1`` rewrites them and docs/output.md."""

import os
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"
PAGE = Path(__file__).parents[3] / "docs" / "output.md"
BLOCK = re.compile(r"(<!-- golden: (?P<name>[a-z-]+\.(?:txt|md)) -->\n(?P<fence>`{3,})\w*)\n.*?(?P=fence)\n", re.DOTALL)


def is_updating() -> bool:
    return os.environ.get("UPDATE_GOLDEN") == "1"


def same_as_golden(name: str, text: str) -> bool:
    """Compare with the golden file of that name, or write it where the switch is on."""
    file = FOLDER / name
    if is_updating():
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
    return True


def page_with_goldens(page: str) -> str:
    """The page with every marked block replaced by its golden file."""
    return BLOCK.sub(_block, page)


def _block(found: re.Match[str]) -> str:
    text = (FOLDER / found["name"]).read_text(encoding="utf-8")
    return f"{found[1]}\n{text}{found['fence']}\n"
