"""What a controller prints of its passes over Rollouts, for tests that choose the Rollouts themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

ATTEMPT_SECONDS = 10
"""Between two attempts of one key: the longest back-off."""


def failed_pass(key: str, at: datetime, retries: int, cause: str) -> tuple[bytes, ...]:
    """One attempt at `namespace/name` that fails."""
    said, about = json.dumps(cause)[1:-1], _about(key)
    quoted = json.dumps(f'"{key}"')[1:-1]
    return _lines(
        at,
        f'level=info msg="Started syncing rollout" generation=3 {about} resourceVersion=81',
        f'level=error msg="roCtx.reconcile err {said}" generation=3 {about} resourceVersion=81',
        f'level=info msg="Reconciliation completed" generation=3 {about} resourceVersion=81 time_ms=5.1',
        f'level=error msg="rollout syncHandler error: {said}" {about}',
        f'level=info msg="rollout syncHandler queue retries: {retries} : key {quoted}" {about}',
        f'level=error msg="{said}" error="<nil>"',
    )


def healthy_pass(key: str, at: datetime) -> tuple[bytes, ...]:
    """One that succeeds."""
    about = _about(key)
    return _lines(
        at,
        f'level=info msg="Started syncing rollout" generation=3 {about} resourceVersion=81',
        f'level=info msg="Reconciliation completed" generation=3 {about} resourceVersion=81 time_ms=38.4',
    )


def failing(causes: Mapping[str, str], until: datetime, seconds: int) -> Iterator[bytes]:
    """So many seconds in which each key fails by its own cause, whenever its longest back-off is over."""
    for retries, before in enumerate(range(seconds, -1, -ATTEMPT_SECONDS), 20):
        for key, cause in causes.items():
            yield from failed_pass(key, until - timedelta(seconds=before), retries, cause)


def _about(key: str) -> str:
    namespace, _, name = key.partition("/")
    return f"namespace={namespace} rollout={name}"


def _lines(at: datetime, *texts: str) -> tuple[bytes, ...]:
    return tuple(f'time="{at:%Y-%m-%dT%H:%M:%SZ}" {text}'.encode() for text in texts)
