"""Telling pull requests what became of them: a comment edited in place, and a status of the commit. In a thread of its own.

The service never waits for a forge. Of one commit only the newest word is told. A forge that is out of reach is tried again for
a while; what it refuses is logged and left, for the next word says it all again.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from reconciler.forges.port import Forge, ForgeError, Repository, Status, Trouble
from reconciler.forges.sticky import post_sticky
from reconciler.model.commit_report import CommitReport, CommitState
from reconciler.report.commit import commit_markdown, commit_marker, commit_status

_log = logging.getLogger("reconciler.announcer")
PAUSES_SECONDS = (5.0, 30.0, 120.0, 600.0)
# What fails by these may work later; a token that is refused will not.
LATER = (Trouble.UNAVAILABLE, Trouble.UNCLEAR)
FINE = {CommitState.DONE: True, CommitState.OVERTAKEN: True, CommitState.UNDER_WAY: None}


class Announcer:
    """Words for one repository. ``count`` is told what came of each: told, or failed; ``room`` is the longest comment."""

    def __init__(
        self,
        repository: Repository,
        fleet: str,
        room: int,
        count: Callable[[str], None],
        pauses: Sequence[float] = PAUSES_SECONDS,
    ) -> None:
        self._repository, self._fleet, self._room, self._count = repository, fleet, room, count
        self._pauses = tuple(pauses)
        self._waiting: OrderedDict[str, CommitReport] = OrderedDict()
        self._requests: dict[str, Forge | None] = {}
        self._news, self._ending = threading.Condition(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="announcer", daemon=True)
        self._thread.start()

    def tell(self, reports: Sequence[CommitReport]) -> None:
        """Hand words over; returns at once."""
        with self._news:
            for report in reports:
                self._waiting[report.revision] = report
            self._news.notify()

    def close(self, seconds: float = 10) -> None:
        """Tell what waits, for so long at most, and end."""
        self._ending.set()
        self.tell([])
        self._thread.join(seconds)

    def _work(self) -> None:
        while (report := self._next()) is not None:
            for pause in (*self._pauses, None):
                newest = self._newest(report)
                if self._told(newest, is_last=pause is None or self._ending.is_set()):
                    break
                self._ending.wait(pause)

    def _next(self) -> CommitReport | None:
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._ending.is_set())
            return self._waiting.popitem(last=False)[1] if self._waiting else None

    def _newest(self, report: CommitReport) -> CommitReport:
        with self._news:
            return self._waiting.pop(report.revision, report)

    def _told(self, report: CommitReport, *, is_last: bool) -> bool:
        """Tell it; true where it is told, or where trying again is of no use."""
        try:
            self._say(report)
        except ForgeError as error:
            if error.trouble in LATER and not is_last:
                return False
            self._count("failed")
            fields = {"revision": report.revision, "trouble": str(error.trouble)}
            _log.error("a forge did not take our word: %s", error, extra={"event": "forge-failed", "fields": fields})
            return True
        self._count("told")
        return True

    def _say(self, report: CommitReport) -> None:
        name = f"reconciler/apply{'-' + self._fleet if self._fleet else ''}"
        status = Status(name, FINE.get(report.state, False), commit_status(report))
        self._repository.set_commit_status(report.revision, status)
        request = self._request(report.revision)
        if request is not None:
            marker = commit_marker(self._fleet)
            post_sticky(request, marker, lambda room: commit_markdown(report, self._fleet, room), self._room)

    def _request(self, revision: str) -> Forge | None:
        """A commit that was pushed without a pull request has none; that does not change."""
        if revision not in self._requests:
            self._requests[revision] = self._repository.merged_request(revision)
        return self._requests[revision]
