"""Words for findings and remedies: how a field, a value or a near miss is shown to people. No rules of its own."""

import difflib
from collections.abc import Iterable

Path = tuple[str | int, ...]


def shown_path(path: Path) -> str:
    """Return a field the way people write it: ``spec.storage.disks[0].path``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "the document"


def shown_value(value: object) -> str:
    """Return a short spelling of a value: text in quotes, collections by what they are."""
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= 80 else f"'{value[:77]}...'"
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else str(value)


def nearest(word: object, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the known word that was probably meant (case does not matter), or None; ``likeness`` is from 0 to 1."""
    if not isinstance(word, str):
        return None
    by_folded = {name.casefold(): name for name in sorted(known)}
    found = difflib.get_close_matches(word.casefold(), list(by_folded), n=1, cutoff=likeness)
    return by_folded[found[0]] if found else None


def did_you_mean(word: object, known: Iterable[str], otherwise: str) -> str:
    """Return ``did you mean X?`` where a known word is near, else the other remedy."""
    meant = nearest(word, known)
    return f"did you mean {meant}?" if meant else otherwise


def listed(words: Iterable[str], limit: int = 12) -> str:
    """Return words with commas; a long list is cut and says how many are left."""
    all_words = list(words)
    rest = len(all_words) - limit
    return ", ".join(all_words[:limit]) + (f" and {rest} more" if rest > 0 else "")
