"""``reconciler drift --as-patch``: reality written back as a change to the YAML, ready for a branch and a pull request."""

from pathlib import Path

from reconciler.cli.console import print_exactly, say, warn
from reconciler.cycle import Thought
from reconciler.files import read_folder
from reconciler.patch import make_patch, unified_diff
from reconciler.report.units import count


def print_patch(folder: Path, thought: Thought) -> None:
    """Print the diff on standard output, and say which machines it writes back and which it cannot."""
    files, _ = read_folder(folder)
    patch = make_patch(files, thought.observation, thought.drift)
    warn(patch.problems)
    names = {name: _from_here(name) for name in patch.before}
    diff = unified_diff(
        {names[name]: text for name, text in patch.before.items()}, {names[name]: text for name, text in patch.after.items()}
    )
    if diff:
        print_exactly(diff)
    say(f"{count(len(patch.machines), 'machine')} written back" + ("; apply it with: git apply" if diff else ""))


def _from_here(name: str) -> str:
    """Return a file's name below the current folder, where ``git apply`` is run."""
    path, here = Path(name), Path.cwd()
    return path.relative_to(here).as_posix() if path.is_absolute() and path.is_relative_to(here) else name.lstrip("/")
