"""The objects of one cluster as a source of the daemon: a thread for each kind, one queue.

Positions are numbers of observations, so that none comes twice under one number. They say nothing about what to read:
after a start, or a commit that failed, everything is listed again, and the engine passes over what it knows.
"""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from parsers.facts.admission import CrdFacts
from parsers.facts.references import ServiceRef
from parsers.facts.seen import ObjectEvent, ObjectSeen
from parsers.records import Origin
from pipeline.sources.live import Fetched, SourceStatus
from pipeline.sources.objects.api import ObjectApi
from pipeline.sources.objects.kinds import KINDS, WatchedKind
from pipeline.sources.objects.list_watch import ListWatch, WatchState
from pipeline.sources.objects.named_secrets import NamedSecrets
from pipeline.sources.objects.refusals import sentences
from pipeline.sources.objects.secret_watch import STREAM as SECRETS
from pipeline.sources.objects.secret_watch import SecretWatch

QUEUED = 2_000
"""Observations that may wait; then the watches wait, and at last the API server."""
READ_AT_MOST = 500


class ObjectSource:
    """Implements `LiveSource`. `read` is used by one thread; each watch has its own."""

    def __init__(
        self,
        name: str,
        api: ObjectApi,
        cluster: str,
        *,
        namespaces: Sequence[str] = (),
        kinds: Sequence[WatchedKind] = KINDS,
        secrets: Sequence[str] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            name: as in the configuration.
            api: of the cluster.
            cluster: its name in incidents.
            namespaces: that are watched; none: all. Objects without a namespace are watched in any case.
            kinds: that are watched.
            secrets: namespaces in which Secrets that hold a webhook's certificate are read by name; `*`: all.
            now: the clock.
        """
        self._name = name
        self._api = api
        self._cluster = cluster
        self._namespaces = tuple(namespaces)
        self._kinds = tuple(kinds)
        self._secrets = tuple(secrets)
        self._now = now
        self._run: _Run | None = None
        self._next: dict[str, int] = {}
        self._held: tuple[str, ObjectEvent] | None = None  # of another stream than the read that met it

    @property
    def name(self) -> str:
        """As in the configuration."""
        return self._name

    def start(self, positions: Mapping[str, bytes]) -> None:
        """List everything, and watch it."""
        if self._run is not None:
            self._run.stop()
            self._api.cut()  # else each watch that is over holds a connection until its server ends it
        self._held = None
        self._next = {stream: int(value) for stream, value in positions.items() if value.isdigit()}
        self._run = _Run(self._now)
        if self._secrets:  # before those that name some: nothing is missed
            self._run.add_secrets(self._api, self._secrets, self._cluster)
        for kind in self._kinds:
            for namespace in (self._namespaces or ("",)) if kind.is_namespaced else ("",):
                self._run.add(self._api, kind, namespace, self._cluster)

    def read(self, timeout_seconds: float) -> Fetched | None:
        """The next observations of one kind."""
        assert self._run is not None
        first = self._held or self._run.next(timeout_seconds)
        if first is None:
            return None
        self._held = None
        stream, event = first
        events = [event]
        while len(events) < READ_AT_MOST:
            following = self._run.next(0.0)
            if following is None:
                break
            if following[0] != stream:
                self._held = following
                break
            events.append(following[1])
        return self._fetched(stream, events)

    def _fetched(self, stream: str, events: list[ObjectEvent]) -> Fetched:
        begin = self._next.get(stream, 0)
        self._next[stream] = begin + len(events)
        numbered = tuple(msgspec.structs.replace(event, line=number) for number, event in enumerate(events, begin))
        return Fetched(stream, (), self._next[stream], objects=numbered)

    def position(self, stream: str, line: int) -> bytes:
        """The number of the next observation."""
        del stream
        return b"%d" % line

    def acknowledge(self, lines: Mapping[str, int]) -> None:
        """Nobody is told."""

    def status(self) -> SourceStatus:
        """How the watches are doing."""
        run = self._run
        states = run.states() if run is not None else []
        is_dry = run is not None and run.is_dry and self._held is None
        is_listed = bool(states) and all(state.is_listed for state in states)
        problems = sorted({state.problem for state in states if state.problem})
        is_connected = any(state.is_listed for state in states)
        return SourceStatus(
            is_connected=is_connected,
            is_caught_up=is_listed and is_dry,
            lags={},
            unread=sentences(refusal for state in states for refusal in state.refusals),
            problem="; ".join(problems[:3]),
            told_until_seconds=self._now().timestamp() if is_listed and is_dry else None,
        )

    def look_at(self, cluster: str, service: ServiceRef) -> None:
        """The certificate of this Service is refused: its Secret is read again soon, where it may be read."""
        if self._run is not None and cluster == self._cluster:
            self._run.look_at(service)

    def close(self) -> None:
        """End the watches; a thread that waits for its server ends with the connection."""
        if self._run is not None:
            self._run.stop()
        self._api.close()


class _Run:
    """The watches from one start to the next."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._queue: queue.Queue[tuple[str, ObjectEvent]] = queue.Queue(QUEUED)
        self._is_stopping = threading.Event()
        self._threads: list[_Thread] = []
        self._secrets: tuple[SecretWatch, _Thread] | None = None

    @property
    def is_dry(self) -> bool:
        """Whether nothing waits."""
        return self._queue.empty()

    def add(self, api: ObjectApi, kind: WatchedKind, namespace: str, cluster: str) -> None:
        """Begin to watch a kind."""
        stream = f"{namespace}/{kind.name}" if namespace else kind.name
        origin = Origin(source=f"objects/{kind.resource}", cluster=cluster)
        thread = _Thread(self, stream, (kind.group, kind.plural))
        self._begin(thread, stream, ListWatch(api, kind, origin, thread, namespace).run)

    def add_secrets(self, api: ObjectApi, namespaces: Sequence[str], cluster: str) -> None:
        """Begin to read the Secrets that other objects name."""
        origin = Origin(source=f"objects/{SECRETS}", cluster=cluster)
        thread = _Thread(self, SECRETS, ("", SECRETS))
        watch = SecretWatch(api, NamedSecrets(namespaces), origin, thread)
        self._secrets = watch, thread
        self._begin(thread, SECRETS, watch.run)

    def look_at(self, service: ServiceRef) -> None:
        """Read the Secret behind a Service again soon."""
        if self._secrets is not None and self._secrets[0].look_at(service):
            self._secrets[1].wake()

    def _begin(self, thread: _Thread, stream: str, run: Callable[[], None]) -> None:
        self._threads.append(thread)
        threading.Thread(target=run, name=f"watch {stream}", daemon=True).start()

    def next(self, timeout_seconds: float) -> tuple[str, ObjectEvent] | None:
        """The oldest observation and its stream."""
        try:
            return self._queue.get(timeout=timeout_seconds) if timeout_seconds else self._queue.get_nowait()
        except queue.Empty:
            return None

    def states(self) -> list[WatchState]:
        """Of every watch."""
        return [thread.state for thread in self._threads]

    def stop(self) -> None:
        """Nothing more is handed out."""
        self._is_stopping.set()
        for thread in self._threads:
            thread.wake()

    def is_stopping(self) -> bool:
        """Whether it was stopped."""
        return self._is_stopping.is_set()

    def now(self) -> datetime:
        """The time."""
        return self._now()

    def put(self, stream: str, event: ObjectEvent) -> None:
        """Wait for room."""
        if isinstance(event, ObjectSeen) and isinstance(event.facts, CrdFacts):
            for thread in self._threads:
                thread.noticed(event.facts)
        if self._secrets is not None and self._secrets[0].note(event):
            self._secrets[1].wake()
        while not self.is_stopping():
            try:
                self._queue.put((stream, event), timeout=0.2)
            except queue.Full:
                continue
            return


class _Thread:
    """What one watch knows of where it runs."""

    def __init__(self, run: _Run, stream: str, resource: tuple[str, str]) -> None:
        """`resource`: group and plural of what it watches."""
        self.state = WatchState()
        self._run = run
        self._stream = stream
        self._resource = resource
        self._woken = threading.Event()

    def is_stopping(self) -> bool:
        return self._run.is_stopping()

    def pause(self, seconds: float) -> bool:
        is_woken = self._woken.wait(seconds)
        self._woken.clear()
        return is_woken

    def now(self) -> datetime:
        return self._run.now()

    def jitter(self) -> float:
        return random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing

    def put(self, event: ObjectEvent) -> None:
        self._run.put(self._stream, event)

    def told(self, state: WatchState) -> None:
        self.state = state

    def wake(self) -> None:
        """End a pause."""
        self._woken.set()

    def noticed(self, crd: CrdFacts) -> None:
        """A CRD is there: if it is of the kind that is waited for, it can be listed now."""
        if (crd.group, crd.plural) == self._resource:
            self.wake()
