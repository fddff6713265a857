"""Which object is meant."""

from __future__ import annotations

import msgspec


class ObjectRef(msgspec.Struct, frozen=True, order=True):
    """Which object: kind as in the manifest (Rollout, ReplicaSet, …); namespace empty for cluster-scoped ones."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}"


class ServiceRef(msgspec.Struct, frozen=True, order=True):
    """A Service that a webhook is served by."""

    namespace: str
    name: str
    port: int = 443
    path: str = ""

    @property
    def host(self) -> str:
        """As it stands in the API server's messages: name.namespace.svc."""
        return f"{self.name}.{self.namespace}.svc"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every name under which a certificate may be for it."""
        return self.host, f"{self.name}.{self.namespace}", f"{self.host}.cluster.local"
