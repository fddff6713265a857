"""Logs of certificates that fail, beside the objects that tell why; put together as in `self_made`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sample_logs.controller_log import ControllerLog, begin, failing
from sample_logs.made_certificates import admission, conversion_crd, day, issued, secret

HOSTS = ("guard.tools.svc", "guard.tools.svc.cluster.local")
_CONVERSION = (
    'conversion webhook for meshes.dev/v2, Kind=Route failed: Post "https://guard.tools.svc:443/convert?timeout=30s": '
)
_ADMISSION = (
    'Internal error occurred: failed calling webhook "check.guard.dev": failed to call webhook: Post '
    '"https://guard.tools.svc:443/check?timeout=10s": '
)
_VERIFY = "tls: failed to verify certificate: x509: "
_TIMES = "certificate has expired or is not yet valid: current time {clock:%Y-%m-%dT%H:%M:%SZ} is {relation} {bound}"


def _objects(*documents: dict[str, object]) -> list[str]:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}, indent=1).splitlines()


def stale_bundle(_: Path) -> dict[str, list[str]]:
    """The authority was made anew under its old name; the caBundle of the CRD still holds the old one."""
    old = issued("guard-ca", "guard-ca-1", ("guard-ca", "guard-ca-1"), day("2025-11-01"), day("2027-11-01"))
    new = issued("guard-ca", "guard-ca-2", ("guard-ca", "guard-ca-2"), day("2026-11-22"), day("2028-11-22"))
    leaf = issued("guard", "guard-2", ("guard-ca", "guard-ca-2"), day("2026-11-22"), day("2027-02-20"), HOSTS)
    log = begin(9)
    error = (
        f"{_CONVERSION}{_VERIFY}certificate signed by unknown authority (possibly because of "
        '"x509: Ed25519 verification failure" while trying to verify candidate authority certificate "guard-ca")'
    )
    failing(log, "shop", "checkout", error, attempts=22)
    return {
        "controller.log": log.lines,
        "objects.json": _objects(conversion_crd(old), secret("tools", "guard-tls", leaf, new)),
    }


def stale_served(_: Path) -> dict[str, list[str]]:
    """The certificate was renewed two weeks ago; the webhook's pods never read it again, and the old one has ended."""
    authority = issued("guard-ca", "guard-ca-1", ("guard-ca", "guard-ca-1"), day("2025-11-01"), day("2027-11-01"))
    leaf = issued("guard", "guard-2", ("guard-ca", "guard-ca-1"), day("2026-11-08"), day("2027-02-06"), HOSTS)
    log = begin(11)
    _failing_by_time(log, _ADMISSION, "after", "2026-11-23T04:12:33Z", timedelta(0))
    return {
        "controller.log": log.lines,
        "objects.json": _objects(admission(authority), secret("tools", "guard-tls", leaf, authority)),
    }


def clock_behind(_: Path) -> dict[str, list[str]]:
    """The clock of a control-plane node is three hours behind, and a certificate was renewed an hour ago."""
    log = begin(13)
    _failing_by_time(log, _ADMISSION, "before", "2026-11-23T12:04:00Z", timedelta(hours=-3))
    return {"controller.log": log.lines}


def _failing_by_time(log: ControllerLog, call: str, relation: str, bound: str, ahead: timedelta) -> None:
    """Attempts whose message holds the verifier's clock."""
    for count in range(1, 23):
        clock: datetime = (log.at + ahead).astimezone(UTC)
        error = f"{call}{_VERIFY}{_TIMES.format(clock=clock, relation=relation, bound=bound)}"
        log.failed_pass("shop", "checkout", error, count, 0.012)
        log.wait(min(10.0, 0.001 * 2.0 ** (count - 1)))
