"""The Secrets of webhooks' certificates: asked for one by one, by name; only `tls.crt` and `ca.crt` are decoded.

They are never listed and never watched: that needs the right to read all of them. Each is read when it is first
named, when the Certificate that writes it changes, when its Service is accused, and now and then: other writers say
nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from parsers.facts.certificates import CertManagerCertificateFacts, SecretFacts
from parsers.facts.references import ObjectRef, ServiceRef
from parsers.facts.seen import ObjectEvent, ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.records import Origin
from pipeline.cluster.calls import Call
from pipeline.sources.objects.answers import read_secret
from pipeline.sources.objects.api import ApiError, ObjectApi
from pipeline.sources.objects.list_watch import Surroundings, WatchState
from pipeline.sources.objects.named_secrets import NamedSecrets
from pipeline.sources.objects.refusals import Refusal

STREAM: Final = "secrets"
AGAIN: Final = timedelta(minutes=5)
"""A Secret that nothing announces is read again after so long: a renewal that nobody tells of shows by then."""
SOONEST: Final = timedelta(seconds=30)
"""Between two readings of one Secret, whatever its Certificate does."""
SUSPECTED: Final = timedelta(minutes=1)
"""Between two readings of a Secret whose Service is accused."""
SHOWN: Final = 5
"""Names of Secrets in one sentence."""


class SecretWatch:
    """All named Secrets of one cluster. `note` may be called from any thread, `run` is one."""

    def __init__(self, api: ObjectApi, named: NamedSecrets, origin: Origin, around: Surroundings) -> None:
        self._api = api
        self._named = named
        self._origin = origin
        self._around = around
        self._lock = threading.Lock()
        self._due: dict[ObjectRef, datetime] = {}
        self._read_at: dict[ObjectRef, datetime] = {}
        self._written_by: dict[ObjectRef, CertManagerCertificateFacts] = {}
        self._shown: dict[ObjectRef, SecretFacts] = {}
        self._refused: frozenset[ObjectRef] = frozenset()
        self._is_told = False
        self._suspected: set[str] = set()  # namespaces of Services whose certificates are refused

    def look_at(self, service: ServiceRef) -> bool:
        """A Service's certificate is refused; says whether `run` should look."""
        with self._lock:
            is_near = any(ref.namespace == service.namespace for ref in self._named.names())
            if is_near:
                self._suspected.add(service.namespace)
            return is_near

    def note(self, event: ObjectEvent) -> bool:
        """Hear of an object of another watch; says whether `run` should look."""
        with self._lock:
            return self._named.note(event)

    def run(self) -> None:
        """Read what is due, until it is time to end."""
        while not self._around.is_stopping():
            if not self._plan():
                self._around.pause(AGAIN.total_seconds())
                continue
            problem = self._read_due()
            if not problem:
                self._tell_list()
            is_well, refusals = not problem, tuple(_refusals(self._refused))
            self._around.told(WatchState(is_listed=is_well, is_watching=is_well, problem=problem, refusals=refusals))
            self._around.pause(self._seconds_until_due())

    def _plan(self) -> bool:
        """When each Secret that is named now is to be read; says whether all that names some has been seen."""
        with self._lock:
            if not self._named.is_complete:
                return False
            names, written_by = self._named.names(), self._named.versions()
            suspected, self._suspected = self._suspected, set()
        now = self._around.now()
        due = {}
        for ref in names:
            is_changed = self._written_by.get(ref) != written_by.get(ref)
            soon = max(now, self._read_at[ref] + SOONEST) if ref in self._read_at else now
            due[ref] = soon if is_changed or ref not in self._due else min(self._due[ref], now + AGAIN)
            if ref.namespace in suspected and ref in self._read_at:
                due[ref] = min(due[ref], max(now, self._read_at[ref] + SUSPECTED))
        self._is_told = self._is_told and due.keys() == self._due.keys()
        self._due, self._written_by = due, {ref: one for ref, one in written_by.items() if ref in due}
        self._read_at = {ref: at for ref, at in self._read_at.items() if ref in due}
        self._shown = {ref: facts for ref, facts in self._shown.items() if ref in due}
        return True

    def _read_due(self) -> str:
        """Read them; a problem that is not about one Secret, as an outage, ends it: the rest stays due."""
        now = self._around.now()
        refused = {ref for ref in self._refused if ref in self._due}
        for ref in sorted(ref for ref, at in self._due.items() if at <= now):
            if self._around.is_stopping():
                return ""
            try:
                self._read(ref)
                refused.discard(ref)
            except ApiError as error:
                if error.status != 403:
                    self._due[ref] = now + SOONEST
                    return str(error)
                refused.add(ref)
            self._read_at[ref] = now
            self._due[ref] = now + AGAIN * self._around.jitter()
        self._note_refused(frozenset(refused))
        return ""

    def _read(self, ref: ObjectRef) -> None:
        """Hand out a Secret's certificates, where they are other ones than those that were handed out last.

        Raises:
            ApiError: It could not be read.
        """
        try:
            facts = read_secret(self._api.get(Call("get", "secrets", ref.namespace, ref.name), {}))
        except ApiError as error:
            if error.status != 404:
                raise
            gone = self._shown.pop(ref, None)
            if gone is not None:
                self._put(ObjectSeen(self._around.now(), self._origin, 0, gone, is_deleted=True))
            return
        if facts is not None and self._shown.get(ref) != facts:
            self._shown[ref] = facts
            self._is_told = False
            self._put(ObjectSeen(self._around.now(), self._origin, 0, facts))

    def _note_refused(self, refused: frozenset[ObjectRef]) -> None:
        if refused != self._refused:
            self._refused = refused
            self._is_told = False

    def _tell_list(self) -> None:
        """Which Secrets are known, and which may not be read: told when that changes."""
        if self._is_told:
            return
        self._is_told = True
        at = self._around.now()
        self._put(ObjectsListed(at, self._origin, 0, "Secret", tuple(sorted(self._shown))))
        for one in _refusals(self._refused):
            self._put(ObjectsUnread(at, self._origin, 0, "Secret", str(one), (one.namespace,)))

    def _put(self, event: ObjectEvent) -> None:
        self._around.put(event)

    def _seconds_until_due(self) -> float:
        now = self._around.now()
        return max(0.1, min((at - now for at in self._due.values()), default=AGAIN).total_seconds())


def _refusals(refs: Iterable[ObjectRef]) -> Iterator[Refusal]:
    """One for each namespace, with all names in the rule."""
    by_namespace: dict[str, list[str]] = {}
    for ref in sorted(refs):
        by_namespace.setdefault(ref.namespace, []).append(ref.name)
    for namespace, names in by_namespace.items():
        quoted = ", ".join(f'"{name}"' for name in names)
        rule = f'{{apiGroups: [""], resources: ["secrets"], resourceNames: [{quoted}], verbs: ["get"]}}'
        shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        yield Refusal(f"secrets {shown}", rule, namespace)
