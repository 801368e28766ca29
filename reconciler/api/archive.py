"""A desired state that somebody sent as a tar.gz, read into memory: nothing is unpacked to disk, no link followed.

Sizes and counts are bounded while reading, so a bomb is refused long before it is large. Names are only what problems show;
they never become paths of this machine.
"""

import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from reconciler.desired import SourceFile

SUFFIXES = (".yaml", ".yml")


class ArchiveError(Exception):
    """The archive is not one that is taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is read: members of any kind, bytes of one file, bytes of all together."""

    members: int = 50_000
    file_bytes: int = 10 * 1024 * 1024
    total_bytes: int = 256 * 1024 * 1024


def read_archive(content: bytes, bounds: Bounds | None = None) -> list[SourceFile]:
    """Return the YAML files of a tar.gz; hidden files and other kinds of file are left out. Raises ArchiveError."""
    limits = bounds or Bounds()
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r|gz") as archive:
            files = list(_files(archive, limits))
    except (tarfile.TarError, EOFError, zlib.error, OSError, UnicodeError) as error:
        raise ArchiveError(f"this is not a whole tar.gz: {error}") from error
    if not files:
        raise ArchiveError("the archive holds no .yaml file")
    return files


def _files(archive: tarfile.TarFile, bounds: Bounds) -> Iterator[SourceFile]:
    total = members = 0
    for member in archive:
        members, total = members + 1, total + max(0, member.size)
        if members > bounds.members:
            raise ArchiveError(f"more than {bounds.members:,} members")
        if total > bounds.total_bytes:
            raise ArchiveError(f"more than {bounds.total_bytes // 1024**2} MiB when unpacked")
        path = _checked(member)
        if not member.isfile() or not path.name.lower().endswith(SUFFIXES) or any(part.startswith(".") for part in path.parts):
            continue
        if member.size > bounds.file_bytes:
            raise ArchiveError(f"{path} is larger than {bounds.file_bytes // 1024**2} MiB")
        content = archive.extractfile(member)
        yield SourceFile(str(path), content.read(bounds.file_bytes + 1) if content else b"")


def _checked(member: tarfile.TarInfo) -> PurePosixPath:
    name = member.name.replace("\\", "/").removeprefix("./")
    path = PurePosixPath(name or ".")
    if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0]:
        raise ArchiveError(f"a member points outside the archive: {member.name[:100]!r}")
    if member.issym() or member.islnk():
        raise ArchiveError(f"{str(path)[:100]} is a link; put the file itself there")
    if not (member.isfile() or member.isdir()):
        raise ArchiveError(f"{str(path)[:100]} is neither file nor folder")
    return path
