"""A unified diff as ``git apply`` and ``patch`` take it. Lines end at line feeds: a carriage return belongs to its line."""

import difflib
from collections.abc import Mapping

_NO_END = "\\ No newline at end of file\n"


def unified_diff(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return the diff of all files that differ, by name; names are relative to where the diff is to be applied."""
    return "".join(_one(name, before[name], after[name]) for name in sorted(before) if before[name] != after[name])


def _one(name: str, old: str, new: str) -> str:
    lines = difflib.unified_diff(_lines(old), _lines(new), f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n{_NO_END}" for line in lines)


def _lines(text: str) -> list[str]:
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
