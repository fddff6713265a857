"""What the API server says of one container, as new as anybody has asked or been told."""

from __future__ import annotations

from pipeline.cluster.calls import CallError, Cluster
from pipeline.sources.pod_logs.pods import ContainerId, RunState, state_of


class GoneError(Exception):
    """The pod is not there any more, or another one has its name."""


class ContainerStatus:
    """Newest state of a container. Safe to use from any thread."""

    def __init__(self, cluster: Cluster, container: ContainerId) -> None:
        self.newest = RunState()
        self._cluster = cluster
        self._container = container

    def look(self) -> RunState:
        """Ask. Raises CallError, and GoneError."""
        state = state_of(self._cluster, self._container)
        if state is None:
            raise GoneError
        self.note(state)
        return state

    def note(self, state: RunState) -> None:
        """Somebody was told; a watch may be behind."""
        if not state.is_older_than(self.newest):
            self.newest = state

    def is_certainly_gone(self) -> bool:
        """Whether the API server says so."""
        try:
            return state_of(self._cluster, self._container) is None
        except CallError:
            return False
