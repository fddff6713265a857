"""Finds the containers of one place: a list, then a watch of what changes, on a thread of its own."""

from __future__ import annotations

import random
import threading
import time
from typing import Final, Protocol

import msgspec

from pipeline.cluster.calls import Call, CallError, Cluster, Reason, Stream
from pipeline.own_log.loggers import get_logger
from pipeline.sources.objects.answers import read_change
from pipeline.sources.objects.api import ApiError
from pipeline.sources.objects.refusals import Refusal, refusal_of
from pipeline.sources.pod_logs.log_lines import split_pieces
from pipeline.sources.pod_logs.places import Place, deployments_of, narrower_namespaces, place_of_deployment
from pipeline.sources.pod_logs.pods import Containers, containers_of_pod, find_containers
from pipeline.sources.pod_logs.settings import KubernetesSettings

_log = get_logger("pod_logs")

WATCH_SECONDS = 290
"""The server ends a watch after so long: a connection that died silently costs no more."""
DEPLOYMENT_SECONDS = 60
"""How old a Deployment's selector gets: one that is deleted and made again may have another one."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
REFUSED_SECONDS = 60.0
"""Until pods are asked for again that may not be listed any more."""
LISTS_UNTIL_WATCH = 12
"""Between attempts to watch where that is refused: rights are given by people."""
_LIST_AGAIN: Final = (400, 404, 410, 504)
"""Too old a version is 410; one that the server does not know yet, as after a restored backup, 400 or 504."""


class Finds(Protocol):
    """Is told of containers; from any thread."""

    def found(self, cluster: Cluster, containers: Containers) -> None:
        """They are there now. Raises CallError."""
        ...

    def changed(self, containers: Containers) -> None:
        """Something happened to them: their pod is deleted, or one was restarted."""
        ...


class Finder:
    """One place in one cluster. `run` is the body of its thread."""

    def __init__(self, cluster: Cluster, cluster_name: str, place: Place, finds: Finds, find_seconds: float) -> None:
        self.problem = ""
        self.refusal: Refusal | None = None  # of the right to list pods, which there was at the start
        self.narrowed = ""  # which right is missing to look into more than this place; empty: none
        self._unwatched = ""  # the same to watch it
        self._unasked = ""  # the same to ask for the Deployment again
        self._cluster = cluster
        self.cluster_name = cluster_name
        self.place = place
        self._finds = finds
        self._find_seconds = find_seconds  # between lists where pods may not be watched
        self._version = ""  # from which on to watch; empty: all have to be listed
        self._place_read_at = time.monotonic()
        self._is_deployment_gone = False
        self._is_place_in_doubt = False  # a pod is gone: of a Deployment that was deleted, perhaps
        self._lists_left = 0  # until a watch that was refused is tried again
        self._failures = 0  # in a row
        self._closing = threading.Event()
        self._stream: Stream | None = None
        self._random = random.Random()  # noqa: S311 - spreads requests, nothing more

    def list(self) -> None:
        """Tell of all containers that there are. Raises CallError."""
        containers, version = find_containers(self._cluster, self.cluster_name, self.place)
        self._finds.found(self._cluster, containers)
        self._version, self._failures, self.problem, self.refusal = version, 0, "", None

    def run(self) -> None:
        """Tell of what comes and changes, until `close`."""
        while not self._closing.is_set():
            try:
                if self._is_place_in_doubt or self._is_place_old():
                    self._read_place()
                if not self._version:
                    self.list()
                if not self._lists_left:
                    self._watch()
                else:
                    self._lists_left -= 1
                    self._version = ""
                    self._closing.wait(self._find_seconds)
            except CallError as error:
                self._recover(error)

    @property
    def unread(self) -> tuple[str, ...]:
        """Which rights are missing, and what is done instead."""
        return tuple(each for each in (self.narrowed, self._unwatched, self._unasked) if each)

    def close(self) -> None:
        """End soon; from any thread."""
        self._closing.set()
        if (stream := self._stream) is not None:
            stream.close()

    def _is_place_old(self) -> bool:
        return bool(self.place.deployment) and time.monotonic() - self._place_read_at >= DEPLOYMENT_SECONDS

    def _read_place(self) -> None:
        """Ask for the Deployment once more. Who was found by its old selector is followed on. Raises CallError."""
        self._place_read_at, self._is_place_in_doubt = time.monotonic(), False
        namespace, name = self.place.namespace, self.place.deployment
        try:
            place = place_of_deployment(self._cluster, namespace, name)
        except CallError as error:
            if error.is_right_missing:
                self._unasked = str(refusal_of(error.call))
                return
            if error.reason is not Reason.NOT_FOUND:
                raise
            if not self._is_deployment_gone:
                _log.warning("pod_logs.deployment_gone", namespace=namespace, deployment=name)
            self._is_deployment_gone = True
            return
        self._is_deployment_gone, self._unasked = False, ""
        if place != self.place:
            _log.info("pod_logs.selector_changed", namespace=namespace, deployment=name, selector=place.selector)
            self.place, self._version = place, ""

    def _watch(self) -> None:
        """Until the server ends it, or a pod of a Deployment is gone. Raises CallError."""
        seconds = DEPLOYMENT_SECONDS if self.place.deployment else WATCH_SECONDS
        call = Call("watch", "pods", self.place.namespace)
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
            "resourceVersion": self._version,
            "labelSelector": self.place.selector,
        }
        stream = self._stream = self._cluster.open(call, query, idle_seconds=seconds + 30.0)
        self._unwatched = ""
        try:
            for lines in split_pieces(stream):
                if self._closing.is_set():
                    return
                for line in lines:
                    self._take(line)
                self._failures, self.problem = 0, ""
                if self._is_place_in_doubt:
                    return
        except (ApiError, msgspec.DecodeError) as error:
            status = error.status if isinstance(error, ApiError) else None
            raise CallError(self._cluster.name, call, Reason.FAILED, str(error), status or 0) from error
        finally:
            stream.close()
            self._stream = None

    def _take(self, line: bytes) -> None:
        change = read_change(line)
        if change.type != "BOOKMARK":
            containers = containers_of_pod(change.item.raw, self.cluster_name, self.place)
            if change.type == "DELETED":
                self._finds.changed(containers)
                self._is_place_in_doubt = bool(self.place.deployment)
            else:
                self._finds.found(self._cluster, containers)
        self._version = change.item.resource_version or self._version

    def _recover(self, error: CallError) -> None:
        if self._closing.is_set():
            return
        if error.call.verb == "watch" and error.reason is Reason.FORBIDDEN:
            self._lists_left = LISTS_UNTIL_WATCH
            self._unwatched = f"{error}; pods are listed every {self._find_seconds:g} s instead"
            return
        if error.is_right_missing:
            self.problem, self.refusal = "", refusal_of(error.call)
            self._closing.wait(REFUSED_SECONDS * self._random.uniform(0.5, 1.0))
            return
        if error.status in _LIST_AGAIN:
            self._version = ""
        if self._failures or error.status not in _LIST_AGAIN:
            if not self.problem:
                _log.warning("pod_logs.cannot_find", problem=str(error))
            self.problem = str(error)
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10))
        self._failures += 1
        self._closing.wait(error.retry_after_seconds or pause * self._random.uniform(0.5, 1.0))


def begin_finding(settings: KubernetesSettings, cluster_name: str, cluster: Cluster, finds: Finds) -> list[Finder]:
    """Find what is there now in every place of a cluster; who finds the rest is returned. Raises CallError."""
    finders = []
    for place in _places(settings, cluster):
        try:
            finders.append(_begin(settings, cluster_name, cluster, place, finds))
        except CallError as error:
            if place.namespace or error.reason is not Reason.FORBIDDEN:
                raise
            finders += _begin_narrower(settings, cluster_name, cluster, finds, error)
    return finders


def _places(settings: KubernetesSettings, cluster: Cluster) -> list[Place]:
    if settings.deployments:
        named = deployments_of(settings.deployments, settings.namespaces, cluster.namespace)
        return [place_of_deployment(cluster, namespace, name) for namespace, name in named]
    return [Place(namespace, settings.selector) for namespace in settings.namespaces or ("",)]


def _begin(settings: KubernetesSettings, cluster_name: str, cluster: Cluster, place: Place, finds: Finds) -> Finder:
    finder = Finder(cluster, cluster_name, place, finds, settings.find_seconds)
    finder.list()
    return finder


def _begin_narrower(
    settings: KubernetesSettings, cluster_name: str, cluster: Cluster, finds: Finds, error: CallError
) -> list[Finder]:
    """Not all namespaces may be looked into: those where a controller probably is, as far as they may be."""
    finders, refused = [], []
    for namespace in narrower_namespaces(cluster.namespace):
        place = Place(namespace, settings.selector)
        try:
            finders.append(_begin(settings, cluster_name, cluster, place, finds))
        except CallError as narrower:
            if narrower.reason is not Reason.FORBIDDEN:
                raise
            refused.append(namespace)
    if not finders:
        raise error
    looked = [namespace for namespace in narrower_namespaces(cluster.namespace) if namespace not in refused]
    finders[0].narrowed = f"{error}; until then controllers are looked for in {', '.join(looked)} only"
    return finders
