"""A storm: many rollouts that fail all the time, as their controller prints it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

BEGAN_AT = datetime(2026, 1, 1, tzinfo=UTC)
ATTEMPT_SECONDS = 10.0
"""Between two attempts of one key: the longest back-off."""
_CAUSE = (
    "conversion webhook for getambassador.io/v3alpha1, Kind=Mapping failed: Post "
    '\\"https://emissary-apiext.emissary-system.svc:443/webhooks/crd-convert?timeout=30s\\": tls: failed to verify '
    "certificate: x509: certificate has expired or is not yet valid: current time {at} is after 2025-12-31T23:00:00Z"
)


def attempt(key: int, at: datetime, retries: int) -> tuple[bytes, ...]:
    """The lines of one failed attempt."""
    time = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    cause = _CAUSE.format(at=time)
    name, namespace = f"api-{key}", f"team-{key % 10}"
    quoted = f'\\"{namespace}/{name}\\"'
    about = f"namespace={namespace} rollout={name}"
    return tuple(
        line.encode()
        for line in (
            f'time="{time}" level=info msg="Started syncing rollout" generation=3 {about} resourceVersion=81',
            f'time="{time}" level=error msg="roCtx.reconcile err {cause}" generation=3 {about} resourceVersion=81',
            f'time="{time}" level=info msg="Reconciliation completed" generation=3 {about} time_ms=5.1',
            f'time="{time}" level=error msg="rollout syncHandler error: {cause}" {about}',
            f'time="{time}" level=info msg="rollout syncHandler queue retries: {retries} : key {quoted}" {about}',
            f'time="{time}" level=error msg="{cause}" error="<nil>"',
        )
    )


def storm_lines(count: int, keys: int, began_at: datetime = BEGAN_AT) -> Iterator[bytes]:
    """So many lines of so many keys, each of which tries again when its longest back-off is over."""
    written = number = 0
    while written < count:
        round_, key = divmod(number, keys)
        at = began_at + timedelta(seconds=(round_ + key / keys) * ATTEMPT_SECONDS)
        yield from attempt(key, at, round_ + 10)
        written += 6
        number += 1
