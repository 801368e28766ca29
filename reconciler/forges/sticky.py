"""One comment that stays one: found by its hidden marker, edited in place, made anew where somebody deleted it."""

from collections.abc import Callable

from reconciler.forges.port import Comment, Forge, ForgeError, Trouble

SHORTEST = 2000  # below that a forge that still says "too long" means something else
Render = Callable[[int], str]


def post_sticky(forge: Forge, marker: str, render: Render, room: int) -> str:
    """Write ``render(room)`` as the comment with this marker, and return "edited", "written" or "unchanged".

    Where the forge finds it too long, less room is tried. Where it is unclear whether a new comment was written, we look before
    we write again, so that there is never a second one.
    """
    while True:
        try:
            return _post(forge, marker, render(room))
        except ForgeError as error:
            if error.trouble is not Trouble.TOO_LONG or room // 2 < SHORTEST:
                raise
            room //= 2


def _post(forge: Forge, marker: str, body: str) -> str:
    found = _find(forge, marker)
    if found is not None and found.body.strip() == body.strip():
        return "unchanged"
    if found is not None and _edit(forge, found, body):
        return "edited"
    try:
        forge.create(body)
    except ForgeError as error:
        if error.trouble is not Trouble.UNCLEAR:
            raise
        if (late := _find(forge, marker)) is None:
            forge.create(body)
        elif late.body.strip() != body.strip():
            forge.update(late, body)
    return "written"


def _find(forge: Forge, marker: str) -> Comment | None:
    return next((comment for comment in forge.own_comments() if comment.body.lstrip().startswith(marker)), None)


def _edit(forge: Forge, comment: Comment, body: str) -> bool:
    """Edit the comment; false where it was deleted since it was found."""
    try:
        forge.update(comment, body)
    except ForgeError as error:
        if error.trouble is Trouble.GONE:
            return False
        raise
    return True
