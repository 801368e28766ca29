"""The user's cache as a folder: kept, bounded, private, and never a reason to fail."""

import gc
import os
import stat
from pathlib import Path

from reconciler.folder import ENTRIES_KEPT, FolderCache, load_folder, user_cache

EXAMPLE = Path(__file__).parents[2] / "desired-state"


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_an_entry_comes_back_to_whoever_asks_for_its_key(tmp_path: Path) -> None:
    """Another key, another process of the same program: what was written under a key is read under it."""
    FolderCache(tmp_path).write("a", b"entry")

    assert FolderCache(tmp_path).read("a") == b"entry"
    assert FolderCache(tmp_path).read("b") is None


def test_entries_are_for_the_user_alone(tmp_path: Path) -> None:
    """They name machines, hosts and paths of the fleet."""
    FolderCache(tmp_path / "cache").write("a", b"entry")
    (entry,) = entries(tmp_path)

    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(entry.parent.stat().st_mode) == 0o700


def test_only_the_newest_entries_stay(tmp_path: Path) -> None:
    """Every commit makes an entry; the folder does not grow with them, and one that was read lately stays."""
    cache = FolderCache(tmp_path)
    for number in range(ENTRIES_KEPT):
        cache.write(f"{number}", b"")
        os.utime(entries(tmp_path)[-1], (number, number))
    cache.read("0")
    cache.write("new", b"")

    assert len(entries(tmp_path)) == ENTRIES_KEPT
    assert [cache.read(key) for key in ("0", "1", "new")] == [b"", None, b""]


def test_a_folder_that_cannot_be_made_is_no_trouble(tmp_path: Path) -> None:
    """A read-only home or a full disk costs time and nothing else."""
    (tmp_path / "file").write_text("in the way")
    cache = FolderCache(tmp_path / "file")

    cache.write("a", b"entry")

    assert cache.read("a") is None


def test_where_the_cache_is_kept(tmp_path: Path) -> None:
    """RECONCILER_CACHE wins, an empty one turns the cache off; without a home there is none."""
    user_cache_in = {"XDG_CACHE_HOME": str(tmp_path / "xdg"), "HOME": str(tmp_path / "home")}
    for environ, folder in (
        (user_cache_in | {"RECONCILER_CACHE": str(tmp_path / "own")}, "own"),
        (user_cache_in, "xdg/reconciler"),
        ({"HOME": str(tmp_path / "home")}, "home/.cache/reconciler"),
    ):
        cache = user_cache(environ)
        assert cache is not None
        cache.write("a", b"")
        assert entries(tmp_path / folder)
    assert user_cache(user_cache_in | {"RECONCILER_CACHE": ""}) is None
    assert user_cache({}) is None


def test_a_folder_is_loaded_and_the_collector_is_left_as_it_was() -> None:
    """What could not be read is told with the rest, and makes the state unusable."""
    assert load_folder(EXAMPLE).desired is not None
    assert gc.isenabled()
    missing = load_folder(EXAMPLE / "nowhere")
    assert missing.desired is None
    assert [problem.code for problem in missing.problems] == ["no-such-folder"]
