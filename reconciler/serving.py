"""Where a service is put together from its configuration: store, hosts, source, API, metrics, notices, signals to wake it.

Like ``wiring``, this picks what is real; nothing here decides anything.
"""

import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import reconciler
from reconciler.api.context import Context
from reconciler.api.limits import RateLimit
from reconciler.api.openapi import openapi_document
from reconciler.api.previews import PreviewFailed, Previews, Question
from reconciler.api.server import ApiServer, make_application, tls_context
from reconciler.api.tokens import TokenFile
from reconciler.clock import Clock
from reconciler.controller import Controller, Options
from reconciler.desired import SourceFile
from reconciler.files import FileProblem
from reconciler.folder import user_cache
from reconciler.forges.configured import repository_of
from reconciler.hosts.port import Hosts
from reconciler.logs import configure, log_event
from reconciler.model.commit_report import CommitReport
from reconciler.model.problem import Problem
from reconciler.model.status import Event
from reconciler.notices import Settings as NoticeSettings
from reconciler.published.keys import read_private_key
from reconciler.report.forges import DIALECTS
from reconciler.service.announcer import Announcer
from reconciler.service.approvals import Approvals
from reconciler.service.commits import Commits
from reconciler.service.config import (
    ApiConfig,
    ConfigError,
    ForgeConfig,
    GitConfig,
    ServiceConfig,
    SourceConfig,
    service_config,
)
from reconciler.service.desk import Desk
from reconciler.service.following import Following
from reconciler.service.git_source import GitSource
from reconciler.service.loop import ProgressView, Rhythm, Service
from reconciler.service.metrics import Metrics
from reconciler.service.notifier import AppriseTargets, Notifier
from reconciler.service.orders import OrderBook
from reconciler.service.publisher import Publisher
from reconciler.service.signatures import SignatureRules
from reconciler.service.snapshot import Board, Snapshot
from reconciler.service.source import FolderSource, Source
from reconciler.service.telling import Teller
from reconciler.store import Access, Origin, SqliteStore
from reconciler.wiring import default_state_folder, default_store, open_store, solver, system_clock, who, winrm_hosts

JITTER = 0.1


class Waker:
    """Sleeps for the loop; ``hasten`` ends a sleep from any thread or signal handler."""

    def __init__(self) -> None:
        self._hastened = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Return after the time, or at once when hastened; tell whether it was."""
        hastened = self._hastened.wait(seconds)
        self._hastened.clear()
        return hastened

    def hasten(self) -> None:
        """Let the loop look now."""
        self._hastened.set()


def read_config(file: Path) -> ServiceConfig:
    """Return the configuration of a file. Raises ConfigError."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        finding = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ConfigError((Problem("no-config", finding, "see docs/service.md for an example", subject=str(file)),)) from error
    return service_config(text, str(file), file.resolve().parent)


class Served:
    """A service, whole and connected; use as a context manager. ``url`` is the API's address, None without one."""

    def __init__(
        self, config: ServiceConfig, *, api: bool = True, hosts: Hosts | None = None, clock: Clock | None = None
    ) -> None:
        self._config, self._with_api, self._given_hosts = config, api and config.api is not None, hosts
        self._clock = clock or system_clock()
        self._stack = ExitStack()
        self._waker = Waker()
        self.board = Board(Snapshot(self._clock.now(), run_id=uuid.uuid4().hex[:12]))
        self.orders = OrderBook()
        self.metrics = Metrics(self.board, reconciler.__version__)
        self.url: str | None = None
        self._publisher: Publisher | None = None
        self.service: Service

    def __enter__(self) -> "Served":
        configure(self._config.log.format, self._config.log.level)
        with self._stack:
            self.service = self._make_service()
            if self._with_api and self._config.api:
                self.url = self._stack.enter_context(self._make_api(self._config.api)).url
            self._watch(self._config.source)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, trace)

    def stop(self) -> None:
        """End soon; may be called from a signal handler."""
        self.service.stop()
        self._waker.hasten()

    # -- the parts

    def _make_service(self) -> Service:
        config, clock = self._config, self._clock
        store = self._stack.enter_context(open_store(config.state, clock, command="run"))
        hosts = self._given_hosts or self._stack.enter_context(
            winrm_hosts(config.winrm, os.environ, may_change=config.mode == "apply")
        )
        teller = Teller(self.board, self._log, self._make_notify(), self._notice_settings())
        source = source_of(config.source)
        linear = not (config.source.git and config.source.git.rewritten_history == "follow")
        following = Following(source, store, clock, linear_history=linear, grace=timedelta(seconds=config.source.grace_seconds))
        approvals = Approvals(store, required=config.approval == "required")
        controller = Controller(hosts, store, clock, ProgressView(teller), _options(config), solver())
        self._publisher = self._make_publisher(teller)
        return Service(
            following=following,
            controller=controller,
            approvals=approvals,
            desk=Desk(store, hosts, clock, following, approvals, Origin(who(), "run")),
            orders=self.orders,
            teller=teller,
            metrics=self.metrics,
            clock=clock,
            waits=self._waker,
            rhythm=Rhythm(config.interval, _poll_with_jitter(config.source)),
            mode=config.mode,
            publisher=self._publisher,
            commits=Commits(store) if config.forge else None,
            announce=self._make_announce(config.forge) if config.forge else None,
        )

    def _make_announce(self, forge: ForgeConfig) -> Callable[[Sequence[CommitReport]], None]:
        token = _secret(forge.token, "the forge's token", "forge.token")
        repository = repository_of(forge.name, forge.repository, forge.url, token or "", system_clock())
        room = DIALECTS[forge.name].room
        announcer = Announcer(repository, forge.fleet, room, lambda result: self.metrics.count("forge", result))
        self._stack.callback(announcer.close)
        return announcer.tell

    def _make_publisher(self, teller: Teller) -> Publisher | None:
        given = self._config.publish
        if given is None:
            return None

        def failed(reason: str) -> None:
            teller.event(Event(at=self._clock.now(), name="publish-failed", subject="service", message=reason))

        try:
            return Publisher(read_private_key(given.sign_key), given.redact, given.file, failed)
        except FileProblem as problem:
            raise ConfigError((problem.problem,)) from problem

    def _make_notify(self) -> Callable[[Sequence[Any]], None] | None:
        if self._config.notices is None:
            return None
        notifier = Notifier(AppriseTargets(self._config.notices.targets), lambda result: self.metrics.count("notices", result))
        self._stack.callback(notifier.close)
        return notifier.send

    def _notice_settings(self) -> NoticeSettings | None:
        given = self._config.notices
        if given is None:
            return None
        return NoticeSettings(
            timedelta(seconds=given.settle_seconds),
            timedelta(seconds=given.settle_drift_seconds),
            timedelta(seconds=given.repeat_seconds),
        )

    def _log(self, event: Event, plan: str | None) -> None:
        log_event(event, run_id=self.board.latest.run_id, plan=plan)

    def _make_api(self, api: ApiConfig) -> ApiServer:
        context = Context(
            board=self.board,
            orders=self.orders,
            now=self._clock.now,
            monotonic=time.monotonic,
            new_id=lambda: uuid.uuid4().hex,
            tokens=TokenFile(api.tokens) if api.tokens else None,
            rate=RateLimit(api.requests_per_minute),
            history=self._history,
            preview=self._preview_with(Previews(api.preview_seconds)),
            metrics=self.metrics.text,
            describe=openapi_document,
            signed=self._publisher.signed if self._publisher else None,
            hasten=self._waker.hasten,
            webhook_secret=_secret(api.webhook_secret, "the webhook's secret", "api.webhookSecret"),
            stalled_seconds=max(900.0, 3 * self._config.interval_seconds),
        )
        application = make_application(context, maximum_archive_bytes=api.maximum_archive_bytes)
        return ApiServer(application, api.host, api.port, _tls(api))

    def _history(self, about: str | None, limit: int) -> list[dict[str, Any]]:
        """A reader of its own each time: the loop's connection belongs to the loop's thread."""
        store = SqliteStore(
            self._config.state or default_store(),
            self._clock,
            access=Access.READ,
            origin=Origin(),
            machine=socket.gethostname(),
        )
        try:
            return [
                {
                    "number": one.number,
                    "at": one.at.isoformat(),
                    "kind": one.kind,
                    "subject": one.subject,
                    "by": one.origin.actor,
                    "data": one.data,
                }
                for one in store.entries(about=about, limit=limit)
            ]
        finally:
            store.close()

    def _preview_with(self, previews: Previews) -> Callable[[Sequence[SourceFile]], dict[str, Any]]:
        def preview(files: Sequence[SourceFile]) -> dict[str, Any]:
            latest = self.board.latest
            if latest.observation is None:
                raise PreviewFailed("no look at the fleet has been taken yet")
            revision = latest.status.source.revision if latest.status else None
            seen = latest.observation.to_json()
            return previews.make(Question(revision, latest.files, tuple(files), seen, self._clock.now()))

        return preview

    def _watch(self, source: SourceConfig) -> None:
        """Let events of the file system hasten the next look; polling goes on beside them."""
        if source.folder is None:
            return
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        hasten = self._waker.hasten

        class Hasten(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type in ("created", "modified", "moved", "deleted"):
                    hasten()

        observer = Observer()
        if source.folder.path.is_dir():
            observer.schedule(Hasten(), str(source.folder.path), recursive=True)
        observer.start()
        self._stack.callback(observer.join)
        self._stack.callback(observer.stop)


def _options(config: ServiceConfig) -> Options:
    """A service never gives a machine up, only waits longer, and takes up its patience where the last one left it."""
    return Options(attempts=None, remember_failures=True, full_survey_seconds=config.interval_seconds)


def source_of(config: SourceConfig) -> Source:
    """Return the source that the configuration names."""
    cache = user_cache(os.environ)
    if config.folder:
        return FolderSource(config.folder.path, cache)
    assert config.git is not None
    git = config.git
    return GitSource(git.url, git.clone or default_state_folder() / "clone", git.branch, git.path, _signatures(git), cache)


def _signatures(git: GitConfig) -> SignatureRules | None:
    if git.signatures is None:
        return None
    signers = {folder: frozenset(names) for folder, names in git.signatures.signers.items()}
    return SignatureRules(git.signatures.allowed_signers, signers)


def _poll_with_jitter(source: SourceConfig) -> Callable[[], timedelta]:
    seconds = source.git.poll_seconds if source.git else source.folder.poll_seconds if source.folder else 60
    spread = random.Random()
    return lambda: timedelta(seconds=seconds * (1 + JITTER * (2 * spread.random() - 1)))


def _secret(file: Path | None, what: str, setting: str) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text("utf-8").strip() or None
    except (OSError, UnicodeError) as error:
        finding = f"{what} cannot be read: {getattr(error, 'strerror', None) or error}"
        remedy = f"name a readable file ({setting})"
        raise ConfigError((Problem("no-secret", finding, remedy, subject=str(file)),)) from error


def _tls(api: ApiConfig) -> Any:
    if api.tls is None:
        return None
    try:
        return tls_context(str(api.tls.certificate), str(api.tls.key))
    except OSError as error:
        finding = f"certificate or key cannot be used: {error}"
        raise ConfigError(
            (Problem("bad-tls", finding, "give PEM files (api.tls)", subject=str(api.tls.certificate)),)
        ) from error
