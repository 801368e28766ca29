"""Putting a published observation in its place, whole: whoever fetches it meanwhile gets the old one or the new one."""

from pathlib import Path


def put_in_place(content: bytes, file: Path) -> None:
    """Write the file beside its place, then move it there. Raises OSError."""
    beside = file.with_name(file.name + ".new")
    beside.write_bytes(content)
    beside.replace(file)
