"""From wishes to edits of one machine's document."""

from collections.abc import Iterator

import yaml

from reconciler.patch.wishes import Disk, Folder, Protected, Runs, Wish
from reconciler.patch.yaml_text import (
    CannotEditError,
    Edit,
    field_added,
    find,
    item_added,
    pair_replaced,
    quoted,
    replaced,
    scalar,
)


def edits_for(text: str, document: yaml.MappingNode, wishes: tuple[Wish, ...]) -> list[Edit]:
    """Return the edits of a machine's document; raise CannotEditError where it is written in a way that allows none."""
    runs = [_runs(text, document, wish) for wish in wishes if isinstance(wish, Runs)]
    runs += [_protected(document, wish) for wish in wishes if isinstance(wish, Protected)]
    storage = find(document, "spec", "storage")
    if storage is None and len(runs) < len(wishes):
        raise CannotEditError
    folders = [_folder(text, storage, wish) for wish in wishes if isinstance(wish, Folder) and storage]
    disks = [wish for wish in wishes if isinstance(wish, Disk)]
    return _joined([*runs, *folders, *(_disks(text, storage, disks) if storage and disks else ())])


def _runs(text: str, document: yaml.MappingNode, wish: Runs) -> Edit:
    """One host is replaced, a list of hosts gets one more, and anything else gives way to the host."""
    placement, value = find(document, "spec", "placement"), find(document, "spec", "placement", wish.field)
    if placement is None or value is None:
        raise CannotEditError
    if wish.field == "host":
        return replaced(value, wish.host)
    if wish.field == "hosts" and isinstance(value, yaml.SequenceNode) and value.value:
        return item_added(text, value, quoted(wish.host))
    return pair_replaced(placement, wish.field, f"host: {quoted(wish.host)}")


def _protected(document: yaml.MappingNode, wish: Protected) -> Edit:
    value = find(document, "spec", "highAvailability")
    if not isinstance(value, yaml.ScalarNode):
        raise CannotEditError
    return Edit(value.start_mark.index, value.end_mark.index, "true" if wish.is_wanted else "false")


def _folder(text: str, storage: yaml.Node, wish: Folder) -> Edit:
    value = find(storage, wish.field)
    return (
        field_added(text, storage, f"{wish.field}: {quoted(wish.path, chr(39))}")
        if value is None
        else replaced(value, wish.path)
    )


def _disks(text: str, storage: yaml.Node, wishes: list[Disk]) -> Iterator[Edit]:
    listed = find(storage, "disks")
    items = listed.value if isinstance(listed, yaml.SequenceNode) else []
    by_name = {(scalar(find(item, "file")) or "").casefold(): find(item, "path") for item in items}
    new = [wish for wish in wishes if wish.file.casefold() not in by_name]
    for wish in wishes:
        if (value := by_name.get(wish.file.casefold())) is not None:
            yield replaced(value, wish.path)
    entries = [f"{{file: {quoted(wish.file)}, path: {quoted(wish.path, chr(39))}}}" for wish in new]
    if entries and listed is None:
        yield field_added(text, storage, f"disks: [{', '.join(entries)}]")
    elif entries and listed is not None:
        yield from (item_added(text, listed, entry) for entry in entries)


def _joined(edits: list[Edit]) -> list[Edit]:
    """Additions at one place become one, in their order; two answers for one value (an alias) are none."""
    found: dict[tuple[int, int], Edit] = {}
    for edit in edits:
        key, before = (edit.start, edit.end), found.get((edit.start, edit.end))
        if before is not None and edit.start < edit.end and before != edit:
            raise CannotEditError
        is_addition = before is not None and edit.start == edit.end
        found[key] = Edit(edit.start, edit.end, before.text + edit.text) if before and is_addition else edit
    return list(found.values())
