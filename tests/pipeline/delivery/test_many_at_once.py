"""Two hundred rollouts that fail at once: one notification, and one of their end, from the log lines on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from parsers.records import Block, Origin
from pipeline.delivery.planner import Planner
from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.settings import DeliverySettings
from pipeline.engine.engine import Engine
from pipeline.engine.settings import EngineSettings
from pipeline.extract import StreamExtractor
from pipeline.secret import SecretAddress
from pipeline.store.records import Commit, PlannedDelivery
from tests.pipeline.daemon.running import built_in_rules
from tests.property.raw_logs import finder, scanner

BEGAN_AT = datetime(2026, 1, 1, tzinfo=UTC)
ROLLOUTS = 200
EXPIRED = (
    "conversion webhook for getambassador.io/v3alpha1, Kind=Mapping failed: Post "
    '\\"https://emissary-apiext.emissary-system.svc:443/webhooks/crd-convert?timeout=30s\\": tls: failed to verify '
    "certificate: x509: certificate has expired or is not yet valid: current time 2026-01-01T00:00:00Z is after "
    "2025-12-31T23:00:00Z"
)
UNHEARD_OF = "frobnication of the flux capacitor came to nothing at stage 7"


def _pass(number: int, at: datetime, cause: str | None, retries: int) -> Iterator[str]:
    time, name, namespace = at.strftime("%Y-%m-%dT%H:%M:%SZ"), f"api-{number}", f"team-{number % 10}"
    about = f"namespace={namespace} rollout={name}"
    yield f'time="{time}" level=info msg="Started syncing rollout" generation=3 {about} resourceVersion=81'
    if cause is not None:
        yield f'time="{time}" level=error msg="roCtx.reconcile err {cause}" generation=3 {about} resourceVersion=81'
    yield f'time="{time}" level=info msg="Reconciliation completed" generation=3 {about} time_ms=5.1'
    if cause is not None:
        key = f'\\"{namespace}/{name}\\"'
        yield f'time="{time}" level=error msg="rollout syncHandler error: {cause}" {about}'
        yield f'time="{time}" level=info msg="rollout syncHandler queue retries: {retries} : key {key}" {about}'
        yield f'time="{time}" level=error msg="{cause}" error="<nil>"'


def _minutes(cause: str) -> Iterator[tuple[datetime, bytes]]:
    """Three minutes of failures, an attempt every ten seconds; then two of health."""
    for round_ in range(30):
        at = BEGAN_AT + timedelta(seconds=10 * round_)
        lines = [
            line
            for number in range(ROLLOUTS)
            for line in _pass(number, at, cause if round_ < 18 else None, 10 + round_)
        ]
        yield at, "".join(f"{line}\n" for line in lines).encode()


@pytest.mark.parametrize("cause", [EXPIRED, UNHEARD_OF], ids=["one cause", "one unknown template"])
def test_one_notification_and_one_of_the_end(cause: str) -> None:
    engine = Engine(EngineSettings(), built_in_rules())
    extractor = StreamExtractor(scanner(), finder(), read_at=BEGAN_AT)
    planner = Planner(DeliverySettings(receivers=(ReceiverSettings(name="a", url=SecretAddress("https://a.example")),)))
    told: list[PlannedDelivery] = []
    for at, lines in _minutes(cause):
        events = list(extractor.feed(Block(lines, Origin(pod="argo-rollouts-0"))))
        changes = [change for event in events for change in engine.feed(event)] + engine.advance(at)
        told += planner.plan(Commit(at=at, incidents=tuple(changes)), engine.told(), at).deliveries
    end = BEGAN_AT + timedelta(minutes=10)
    changes = [change for event in extractor.finish() for change in engine.feed(event)] + engine.finish()
    told += planner.plan(Commit(at=end, incidents=tuple(changes)), engine.told(), end).deliveries
    assert ["opened", "resolved"] == [planned.occasion for planned in told]
    assert {ROLLOUTS} == {len(incident.victims) for incident in engine.incidents()}
