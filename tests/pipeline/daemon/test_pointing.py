"""Which sources are pointed to which Services: those of certificates that are refused now."""

from __future__ import annotations

import msgspec
import pytest

from parsers.facts.references import ServiceRef
from pipeline.daemon.pointing import point_to_failing
from pipeline.engine.incidents import CulpritFacts, Incident
from pipeline.sources.live import AttentiveSource
from pipeline.sources.objects.source import ObjectSource
from tests.pipeline.daemon.memory_source import MemorySource
from tests.pipeline.metrics.builders import incident
from tests.pipeline.sources.objects.fake_api import FakeApi

GUARD = CulpritFacts("Service", "guard", "tools", "guard.tools.svc:443")


class _Looking(MemorySource):
    """Remembers where it was pointed to."""

    def __init__(self) -> None:
        super().__init__({}, 1)
        self.pointed: list[tuple[str, ServiceRef]] = []

    def look_at(self, cluster: str, service: ServiceRef) -> None:
        self.pointed.append((cluster, service))


def _incident(
    failure_class: str = "tls.expired", culprit: CulpritFacts | None = GUARD, status: str = "open"
) -> Incident:
    found = incident()
    cause = msgspec.structs.replace(found.cause, failure_class=failure_class, culprit=culprit)
    return msgspec.structs.replace(found, cause=cause, cluster="eu-1", status=status)


CASES: dict[str, tuple[Incident, list[tuple[str, ServiceRef]]]] = {
    "certificate that is refused": (_incident(), [("eu-1", ServiceRef("tools", "guard"))]),
    "over": (_incident(status="resolved"), []),
    "other failure": (_incident("webhook.timeout"), []),
    "nobody is accused": (_incident(culprit=None), []),
    "an address": (_incident(culprit=CulpritFacts("Endpoint", None, None, "10.0.0.1:443")), []),
}


@pytest.mark.parametrize(("found", "pointed"), CASES.values(), ids=CASES)
def test_pointed(found: Incident, pointed: list[tuple[str, ServiceRef]]) -> None:
    """By incidents as they were committed."""
    looking = _Looking()
    point_to_failing([found], [MemorySource({}, 1), looking])

    assert pointed == looking.pointed


def test_objects_can_look_closer() -> None:
    """Others cannot: logs have nothing to look at. One that was not started yet has nothing to do."""
    source = ObjectSource("objects", FakeApi(), "eu-1", secrets=["*"])
    assert isinstance(source, AttentiveSource)
    assert not isinstance(MemorySource({}, 1), AttentiveSource)
    source.look_at("eu-1", ServiceRef("tools", "guard"))
