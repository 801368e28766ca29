"""The user's cache as a folder: kept, bounded, private, and never a reason to fail."""

import gc
import os
import stat
import time
from pathlib import Path

import pytest

from reconciler import files
from reconciler.desired.load import WORTH_KEEPING_BYTES
from reconciler.folder import ENTRIES_KEPT, FolderCache, load_folder, user_cache

HOST = "apiVersion: reconciler/v1\nkind: Host\nmetadata: {name: %s}\nspec: {}\n"
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


class Opened(list[str]):
    """The names of the files that were opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        really = files._bytes_of

        def noted(path: str, most: int) -> bytes:
            self.append(Path(path).name)
            return really(path, most)

        monkeypatch.setattr(files, "_bytes_of", noted)


def later() -> int:
    """A minute from now, when every file has long been at rest."""
    return time.time_ns() + 60_000_000_000


def hosts_of(folder: Path, cache: FolderCache, now: int) -> list[str]:
    desired = load_folder(folder, cache, lambda: now).desired
    assert desired is not None
    return [host.name for host in desired.hosts]


def a_state(folder: Path) -> Path:
    """A folder of two files, large enough to be worth keeping."""
    (folder / "state" / "hosts").mkdir(parents=True)
    (folder / "state" / "hosts" / "a.yaml").write_text(HOST % "Host1")
    (folder / "state" / "b.yaml").write_text(HOST % "Host2" + "#" * WORTH_KEEPING_BYTES)
    return folder / "state"


def test_of_a_folder_that_has_not_changed_no_file_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, sizes, times and numbers of its files say that the answer is the one that was kept."""
    state, cache = a_state(tmp_path), FolderCache(tmp_path / "cache")
    first = load_folder(state, cache, later)
    opened = Opened(monkeypatch)

    assert load_folder(state, cache, later) == first
    assert opened == []


@pytest.mark.parametrize("change", ["content", "name", "more", "fewer", "other file of the same age"])
def test_every_change_of_a_folder_is_seen(tmp_path: Path, change: str) -> None:
    """Also one that leaves size and time as they were: whatever copies a file's time cannot set when that was done."""
    state, cache = a_state(tmp_path), FolderCache(tmp_path / "cache")
    file, now = state / "hosts" / "a.yaml", later()
    assert hosts_of(state, cache, now) == ["Host1", "Host2"]
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns

    if change == "name":
        file.rename(state / "hosts" / "a.txt")
    elif change == "more":
        (state / "c.yaml").write_text(HOST % "Host3")
    elif change == "fewer":
        file.unlink()
    else:
        made = file if change == "content" else state / "new"
        made.write_text(HOST % "Host9")
        os.utime(made, ns=times)
        made.replace(file)

    wanted = {"name": ["Host2"], "fewer": ["Host2"], "more": ["Host1", "Host2", "Host3"]}
    assert hosts_of(state, cache, now) == wanted.get(change, ["Host2", "Host9"])


def test_a_folder_changed_just_now_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another change in the same tick of the clock would leave no trace, so nothing is concluded from how the folder looks."""
    state, cache = a_state(tmp_path), FolderCache(tmp_path / "cache")
    now = time.time_ns()
    hosts_of(state, cache, now)
    opened = Opened(monkeypatch)

    hosts_of(state, cache, now)

    assert sorted(opened) == ["a.yaml", "b.yaml"]


def test_a_folder_with_a_link_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is seen of a link says nothing of the file that it leads to."""
    state, cache = a_state(tmp_path), FolderCache(tmp_path / "cache")
    (state / ".real").mkdir()
    (state / "hosts" / "a.yaml").rename(state / ".real" / "a.yaml")
    (state / "hosts" / "a.yaml").symlink_to("../.real/a.yaml")
    hosts_of(state, cache, later())
    opened = Opened(monkeypatch)

    hosts_of(state, cache, later())

    assert sorted(opened) == ["a.yaml", "b.yaml"]


def test_an_answer_that_was_let_go_is_made_again(tmp_path: Path) -> None:
    """How a folder looked may be kept for longer than what came of it."""
    state, cache = a_state(tmp_path), FolderCache(tmp_path / "cache")
    first = hosts_of(state, cache, later())
    max(entries(tmp_path / "cache"), key=lambda entry: entry.stat().st_size).unlink()

    assert hosts_of(state, cache, later()) == first
