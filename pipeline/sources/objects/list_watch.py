"""One kind of object: a list of all, then a watch of what changes, for as long as anybody listens.

What ends either is normal somewhere: a watch ends after some minutes, its version grows too old (410) and everything is
listed again, a server is restarted, a right is missing, a CRD is not installed yet.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Final, Protocol

import msgspec

from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef
from parsers.facts.seen import AnyFacts, ObjectEvent, ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.records import Origin
from pipeline.sources.objects.answers import Change, Item, read_change, read_facts, read_page
from pipeline.sources.objects.api import ApiError, ObjectApi
from pipeline.sources.objects.kinds import WatchedKind
from pipeline.sources.objects.refusals import Refusal
from pipeline.sources.objects.renewals import Renewals

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
REFUSED_SECONDS = 60.0
"""Until a call that was refused is made again: rights are given by people."""
_LIST_AGAIN: Final = (400, 404, 410, 504)
"""Too old a version is 410; one that the server does not know yet, as after a restored backup, 400 or 504."""
ABSENT_SECONDS = 600.0
"""Until a kind that is not installed is looked for again, where no CRD announces it."""


class Surroundings(Protocol):
    """What a watch needs of its thread."""

    def is_stopping(self) -> bool:
        """Whether to end."""
        ...

    def pause(self, seconds: float) -> bool:
        """Wait, until the end or until somebody says that the kind is there now, at most; says whether one did."""
        ...

    def now(self) -> datetime:
        """The time."""
        ...

    def jitter(self) -> float:
        """A share of a pause, from 0.5 to 1."""
        ...

    def put(self, event: ObjectEvent) -> None:
        """Hand out what was seen; waits while there is no room."""
        ...

    def told(self, state: WatchState) -> None:
        """How the watch is doing from now on."""
        ...


class WatchState(msgspec.Struct, frozen=True):
    """How the watch of one kind is doing."""

    is_listed: bool = False  # everything was handed out once, or never will be
    is_watching: bool = False
    problem: str = ""
    refusals: tuple[Refusal, ...] = ()


_Place = tuple[str, str]  # namespace and name
_encoder = msgspec.msgpack.Encoder(order="deterministic")


class _Version(msgspec.Struct, frozen=True):
    """Which version of an object was handed out."""

    resource_version: str
    digest: bytes  # of its facts


class ListWatch:
    """Lists and watches one kind, in one namespace or in all."""

    def __init__(
        self, api: ObjectApi, kind: WatchedKind, origin: Origin, around: Surroundings, namespace: str = ""
    ) -> None:
        self._api = api
        self._kind = kind
        self._origin = origin
        self._around = around
        self._namespace = namespace
        self._version = kind.versions[0]
        self._resource_version = ""  # from which on to watch; empty: everything has to be listed
        self._known: dict[_Place, _Version] = {}
        self._failures = 0  # in a row
        self._is_refused = False  # and told so
        self._renewals = Renewals()
        self._absent_seconds = ABSENT_SECONDS  # until the next look for a kind that is not there

    def run(self) -> None:
        """Work until it is time to end."""
        while not self._around.is_stopping():
            try:
                if not self._resource_version:
                    self._resource_version = self._list()
                self._watch()
            except ApiError as error:
                if error.status in _LIST_AGAIN:
                    self._resource_version = ""
                self._recover(error)

    def _list(self) -> str:
        """Hand out everything that there is; the version from which on to watch.

        Raises:
            ApiError: It could not be listed.
        """
        at = self._around.now()
        there: dict[_Place, _Version] = {}
        query = {"limit": str(self._kind.page_items), **self._selected()}
        while True:
            page = read_page(self._get(query))
            for item in page.items:
                there[item.place] = self._show(item, at)
            if not page.continued or self._around.is_stopping():
                break
            query = {**query, "continue": page.continued}
        self._known = there
        self._is_refused = False
        if not self._around.is_stopping():
            self._put_listing(at)
        self._failures = 0
        return page.resource_version

    def _get(self, query: dict[str, str]) -> bytes:
        """A page, in the newest version that the server has.

        Raises:
            ApiError: It could not be had.
        """
        for version in self._kind.versions:
            try:
                body = self._api.get(self._kind.call("list", version, self._namespace), query)
            except ApiError as error:
                if error.status != 404 or version == self._kind.versions[-1]:
                    raise
                continue
            self._version = version
            return body
        raise AssertionError("a kind has versions")

    def _watch(self) -> None:
        """Hand out what changes, until the server ends it.

        Raises:
            ApiError: It was refused or cut; 410: everything has to be listed again.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(self._kind.watch_seconds),
            "resourceVersion": self._resource_version,
            **self._selected(),
        }
        lines = self._api.stream(self._kind.call("watch", self._version, self._namespace), query)
        self._around.told(WatchState(is_listed=True, is_watching=True))
        for line in lines:
            if self._around.is_stopping():
                return
            change = read_change(line)
            self._take(change)
            self._resource_version = change.item.resource_version or self._resource_version
            self._failures = 0

    def _take(self, change: Change) -> None:
        place, at = change.item.place, self._around.now()
        if change.type == "DELETED":
            self._known.pop(place, None)
            facts = self._facts_of(change.item)
            if facts is not None:
                self._put(facts, at, is_deleted=True)
        elif change.type != "BOOKMARK":
            self._known[place] = self._show(change.item, at, is_watched=True)

    def _show(self, item: Item, at: datetime, *, is_watched: bool = False) -> _Version:
        """Hand an object out, unless nothing of it that is kept has changed."""
        known = self._known.get(item.place)
        if known is not None and known.resource_version == item.resource_version:
            return known
        facts = self._facts_of(item)
        if isinstance(facts, LeaseFacts):
            facts = self._renewals.thinned(facts, at if is_watched else None)
        digest = blake2b(_encoder.encode(facts), digest_size=8).digest() if facts is not None else b""
        if facts is not None and (known is None or known.digest != digest):
            self._put(facts, at)
        return _Version(item.resource_version, digest)

    def _facts_of(self, item: Item) -> AnyFacts | None:
        api_version = f"{self._kind.group}/{self._version}" if self._kind.group else self._version
        return read_facts(item, self._kind.kind, api_version)

    def _put(self, facts: AnyFacts, at: datetime, *, is_deleted: bool = False) -> None:
        if isinstance(facts, KubernetesEventFacts) and facts.last_at is not None:
            at = min(at, facts.last_at)
        self._around.put(ObjectSeen(at, self._origin, 0, facts, is_deleted=is_deleted))

    def _put_listing(self, at: datetime) -> None:
        refs = tuple(ObjectRef(self._kind.kind, namespace, name) for namespace, name in sorted(self._known))
        self._around.put(
            ObjectsListed(at, self._origin, 0, self._kind.kind, refs, self._namespaces(), self._kind.only_names)
        )

    def _namespaces(self) -> tuple[str, ...]:
        """What is asked for; empty: all."""
        return (self._namespace,) if self._namespace else ()

    def _selected(self) -> dict[str, str]:
        return {"fieldSelector": self._kind.field_selector} if self._kind.field_selector else {}

    def _recover(self, error: ApiError) -> None:
        """Wait for as long as the trouble deserves."""
        if error.status == 410:  # the list that follows makes it good
            self._around.pause(FIRST_PAUSE_SECONDS * self._around.jitter())
            return
        if error.status == 404:
            # Nothing of a kind that is not installed can be missed.
            self._put_listing_of_none()
            self._around.told(WatchState(is_listed=True, is_watching=True))
            # The server says of a CRD that it is there a moment before it answers for its kind.
            is_announced = self._around.pause(self._absent_seconds)
            longer = min(2 * self._absent_seconds, ABSENT_SECONDS)
            self._absent_seconds = FIRST_PAUSE_SECONDS if is_announced else longer
        elif error.status == 403:
            refusal = Refusal(self._kind.resource, self._kind.rule(), self._namespace)
            if not self._is_refused:
                self._is_refused = True
                at, namespaces = self._around.now(), self._namespaces()
                self._around.put(ObjectsUnread(at, self._origin, 0, self._kind.kind, str(refusal), namespaces))
            self._around.told(WatchState(is_listed=True, refusals=(refusal,)))
            self._around.pause(REFUSED_SECONDS * self._around.jitter())
        else:
            pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10))
            self._failures += 1
            self._around.told(WatchState(problem=str(error)))
            asked = error.retry_after_seconds  # of all watches at once: not all of them come back at once
            self._around.pause(pause * self._around.jitter() if asked is None else asked * (2 - self._around.jitter()))

    def _put_listing_of_none(self) -> None:
        self._known = {}
        self._put_listing(self._around.now())
