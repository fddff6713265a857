"""What a wrapper around a record tells: where it came from and when. The contract between the envelope readers."""

from __future__ import annotations

import msgspec

from parsers.reading import Reading
from parsers.records import Origin


class Wrapper(msgspec.Struct, frozen=True):
    """One layer around a record, or several put together; empty where the layer does not say."""

    inner: str  # the text inside; empty where the layer itself is the record
    time: str | int | float | None = None  # as written
    level: str = ""
    cluster: str = ""
    namespace: str = ""  # where the pod runs that wrote the line
    pod: str = ""
    container: str = ""
    reading: Reading | None = None  # the record, where a shipper's facts stand among its own fields
    is_cut: bool = False

    def around(self, inner: Wrapper) -> Wrapper:
        """Put a layer that was found inside this one together with it; the inner one knows better."""
        return Wrapper(
            inner.inner,
            self.time if inner.time is None else inner.time,
            inner.level or self.level,
            inner.cluster or self.cluster,
            inner.namespace or self.namespace,
            inner.pod or self.pod,
            inner.container or self.container,
            inner.reading,
            self.is_cut or inner.is_cut,
        )

    def complete(self, origin: Origin) -> Origin:
        """Fill in what the source does not know about its origin."""
        if not (self.pod or self.namespace or self.container or self.cluster):
            return origin
        return Origin(
            origin.source,
            origin.cluster or self.cluster,
            origin.namespace or self.namespace,
            origin.pod or self.pod,
            origin.container or self.container,
        )
